/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/** @file
 * For whkctl: what httpd made of its configuration, as JSON. The form is in model/config_dump.h.
 */

#include <httpd.h>

/**
 * check_config, before all others: where it is asked for, print it and end the process. Nothing is
 * checked then, neither by us nor by others: `whkctl init` makes what is to be right later.
 */
int whk_config_dump(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
