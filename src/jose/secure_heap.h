/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** OpenSSL's secure heap: memory that is not swapped and in no core dump, where it puts the secret
 * parts of all private keys of the process, and wipes them when they are freed.
 *
 * It has one size for all times, and what no longer fits is refused: other modules' keys are in it
 * too. A child has the same memory after a fork, still out of dumps, but no longer locked. */

#include <apr_pools.h>

/** Set it up, where nobody has: before the first key is read, in the process that reads it.
 * @param size a power of two
 * @param pool of the keys: when that goes, it is not known any more where they are */
void whk_secure_heap_open(apr_size_t size, apr_pool_t *pool);

/** After the keys were read: remember where they are. */
void whk_secure_heap_note(void);

/** Lock all of it, or where the system's limit is lower, where the keys are: in each child anew.
 * @return 1, or 0 where nothing could be locked, or there is no such heap */
int whk_secure_heap_lock(void);
