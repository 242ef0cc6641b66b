/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** `SetHandler webhook-keys-metrics`: what was counted, for Prometheus (docs/metrics.md). */

#include <httpd.h>

#define WHK_METRICS_HANDLER "webhook-keys-metrics"

/** handler */
int whk_metrics_handler(request_rec *r);
