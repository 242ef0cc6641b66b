/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** A file of keys to import, as records: JSON lines; CSV (RFC 4180) whose first line names the
 * columns; a JWK Set; or one key as PEM or `whpk_…`. Which one it is, its first bytes tell. */

#include <apr_pools.h>
#include <jansson.h>
#include <stdio.h>

/** What is done with a record.
 * @param line   where it begins, from 1
 * @param record an object; NULL: it can't be read
 * @param flaw   why not, "must …"; NULL
 * @param pool   emptied behind it
 * @return an exit status; reading ends where it is not WHK_EXIT_DONE */
typedef int (*whk_import_visit)(void *baton, int line, const json_t *record, const char *flaw,
                                apr_pool_t *pool);

/** Read it from its first byte.
 * @param file one that can be read twice
 * @return an exit status: of a visit, or WHK_EXIT_REFUSED, and it was said why */
int whk_import_file_read(FILE *file, whk_import_visit visit, void *baton, apr_pool_t *pool);
