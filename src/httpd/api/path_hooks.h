/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What httpd makes of the path of a request to the API: no file is behind it, and an encoded slash
 * of a keyId stays one. Which resource it means is routes.h. */

#include <httpd.h>

/** pre_translate_name: an encoded slash stays encoded in the path of a location of ours, whatever
 * AllowEncodedSlashes says there. DECLINED. */
int whk_paths_escape_slashes(request_rec *r);

/** translate_name, before all others: 404 where the decoded path leads to a location of others. */
int whk_paths_stay_in_location(request_rec *r);

/** translate_name, after all others: the path is ours to map, and TRACE is not served. */
int whk_paths_translate_name(request_rec *r);

/** map_to_storage: no file or directory is behind our paths. */
int whk_paths_map_to_storage(request_rec *r);
