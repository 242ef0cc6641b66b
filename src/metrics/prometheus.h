/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** The text format of Prometheus, version 0.0.4. */

#include "metrics/metrics.h"

#define WHK_PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** Whoever takes the text, piece by piece. */
typedef void (*whk_text_sink)(void *baton, const char *text, apr_size_t length);

/** Write all series. Of a counter with two labels a word of the first is written with all of the
 * second once one of them was counted.
 * @param pool for the while */
void whk_prometheus_write(const whk_metrics_t *metrics, whk_text_sink sink, void *baton,
                          apr_pool_t *pool);
