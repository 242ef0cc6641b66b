/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Private to otp: memory that is wiped when its pool goes. */

#include <apr_pools.h>

/** `length` zeroed bytes. */
void *whk_secret_alloc(apr_pool_t *pool, apr_size_t length);
