/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** What whkctl asks httpd, and how the module answers: `httpd -t -D DUMP_WEBHOOK_KEYS_CFG` prints,
 * beside whatever else is printed there, one line of JSON on standard output.
 *
 *     {"mod_webhook_keys": "0.1.0",
 *      "user": {"name": "www-data", "uid": 33, "gid": 33},
 *      "servers": [{"names": ["example.com", "*.example.com"], "place": null,
 *                   "driver": "sqlite3", "params": "/path/of/registry.db", "paramsPlace":
 * "FILE:LINE", "secretKeyFile": "/path/of/secret.key"}],
 *      "notEnforced": ["FILE:LINE"], "modules": ["mod_dbd", ...], "mpm": "event",
 *      "metricsFile": "/run/apache2/webhook_keys.metrics",
 *      "hosts": [{"place": null, "addresses": ["443"], "serves": true, "authenticates": true,
 * "admin": true, "verifies": false, "validWebhook": false, "tls": true, "asksForTls": false,
 * "open": []}], "settings": {"threads": 25, "processes": 16, "DBDMax": "25", "DBDPersist": null,
 *                   "WebhookKeysReplayCache": null, "LogLevel": "warn",
 *                   "adminQuery": false, "otpSecretQuery": false}}
 *
 * `user` is whom httpd's children run as, null where no User directive says so. The first server is
 * the main one, whose place is null; the virtual hosts follow in the order of the configuration,
 * each with what it has of the main server. What is not said is null.
 * `modules` are all that are loaded, by the names of their sources, with the .c that httpd gives
 * them. `hosts` has of the main server, then of each virtual host, what stands in it and its
 * sections: what it listens at, whether it serves the API, has an AuthType or SSLUserName, Require
 * webhook-keys-admin, WebhookKeysSignature, Require valid-webhook, SSLEngine, and asks for TLS by
 * Require expr or SSLRequireSSL; `open` has the places of metrics and server-status that no Require
 * guards. `settings` are arguments of directives, wherever they stand; null where they stand
 * nowhere. `notEnforced` has the places of WebhookKeysEnforce Off, wherever they stand. */

/** In the manner of httpd's own DUMP_VHOSTS, DUMP_RUN_CFG. */
#define WHK_CONFIG_DUMP "DUMP_WEBHOOK_KEYS_CFG"

/** The first member, by which the line is found. */
#define WHK_CONFIG_DUMP_MEMBER "mod_webhook_keys"
