/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/status_advice.h"

#include <apr_strings.h>
#include <string.h>

#include "ctl/print.h"

/* A node that has not known of all changes for so long is behind, whatever its lag is. */
#define BEHIND apr_time_from_sec(65)

/* Of what the memory of replays holds, in percent. */
#define NEARLY_FULL 80

static void add(apr_array_header_t *list, const char *id, const char *message)
{
    *(whk_advice_t *)apr_array_push(list) = (whk_advice_t){id, message};
}

static const char *ctl(const whk_invocation_t *invocation, const char *command)
{
    return apr_psprintf(invocation->pool, "whkctl -f %s %s", invocation->conf_file, command);
}

/* ---- refusals ---- */

/* What a shell takes as one word. */
static const char *quoted(apr_pool_t *pool, const char *text)
{
    const char *shown = whk_printable(pool, text);

    if (*text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                    "-_.@")])
        return text;
    return strchr(shown, '\'') ? "ENTERPRISE" : apr_psprintf(pool, "'%s'", shown);
}

static const char *look_at_keys(const whk_invocation_t *invocation, const char *enterprise)
{
    return ctl(invocation,
               apr_psprintf(invocation->pool, "key list %s", quoted(invocation->pool, enterprise)));
}

static const char *look_at_trail(const whk_invocation_t *invocation, const char *enterprise)
{
    return ctl(invocation, apr_psprintf(invocation->pool, "audit list %s",
                                        quoted(invocation->pool, enterprise)));
}

const char *whk_refusal_advice(const whk_invocation_t *invocation, whk_code_t code,
                               const char *enterprise, const char *request_id)
{
    apr_pool_t *pool = invocation->pool;

    if (whk_code_status(code) >= 500)
        return apr_psprintf(pool, "grep %s in httpd's error log: its line has the cause",
                            whk_printable(pool, request_id));
    switch (code) {
    case WHK_UNKNOWN_KEY:
        return apr_psprintf(pool, "the sender names no key that is registered there: %s",
                            look_at_keys(invocation, enterprise));
    case WHK_KEY_REVOKED:
        return apr_psprintf(pool,
                            "the sender still signs by a revoked key: %s shows by whom it "
                            "was revoked, and when",
                            look_at_trail(invocation, enterprise));
    case WHK_BAD_SIGNATURE:
    case WHK_DIGEST_MISMATCH:
        return "the bytes are not those that were signed, or another key signed them: has the "
               "sender, or something in between, changed? docs/signing.md";
    case WHK_EXPIRED:
        return "signed too long ago, or in the future: is this machine's clock right "
               "(timedatectl)? Else the sender's is not, or it queues for too long";
    case WHK_REPLAYED:
        return "sent before: a sender that repeats what was taken, or somebody who replays";
    case WHK_JWKS_URI_UNREACHABLE:
    case WHK_JWKS_URI_KEY_CHANGED:
        return apr_psprintf(pool, "its key set by URI: see the key sets above, and %s",
                            look_at_trail(invocation, enterprise));
    case WHK_INVALID_TOKEN:
        return ctl(invocation, "token list shows which are good");
    case WHK_NOT_ENTERPRISE_ADMIN:
        return ctl(invocation, apr_psprintf(pool, "admin list %s", quoted(pool, enterprise)));
    case WHK_OTP_INVALID:
    case WHK_OTP_LOCKED:
        return apr_psprintf(pool,
                            "%s shows whose; whkctl otp unlock USER, or revoke that user's "
                            "token where somebody guesses",
                            look_at_trail(invocation, enterprise));
    default:
        return "the client was told what to mend: docs/api.md, docs/signing.md";
    }
}

/* ---- what is wrong now ---- */

static void look_at_store(const whk_invocation_t *invocation, const whk_metrics_t *metrics,
                          apr_array_header_t *list)
{
    apr_int64_t away = whk_metrics_value(metrics, WHK_STORE_AWAY, 0, 0);

    if (away)
        add(list, "store.away",
            apr_psprintf(invocation->pool,
                         "the registry's database has been away for %" APR_INT64_T_FMT
                         " s: grep WHK0120 in httpd's error log for why, see the database's own "
                         "log, and run %s",
                         apr_time_sec(away), ctl(invocation, "check")));
}

static void look_at_node(const whk_invocation_t *invocation, const whk_metrics_t *metrics,
                         apr_array_header_t *list)
{
    apr_int64_t lag = whk_metrics_value(metrics, WHK_NODE_LAG, 0, 0);

    if (lag > BEHIND)
        add(list, "node.behind",
            apr_psprintf(invocation->pool,
                         "this node has not known of changes of keys for %" APR_INT64_T_FMT
                         " s: grep WHK0070 in httpd's error log",
                         apr_time_sec(lag)));
    if (whk_metrics_value(metrics, WHK_DIRECTORY_FULL, 0, 0))
        add(list, "node.full",
            "there are more enterprises than WebhookKeysMaxEnterprises: set more, and start httpd "
            "anew");
}

static void look_at_key_sets(const whk_invocation_t *invocation, const whk_key_set_state_t *states,
                             int count, apr_array_header_t *list)
{
    int i;

    for (i = 0; i < count && states[i].failing; i++)
        add(list, "key_set.failing",
            apr_psprintf(invocation->pool,
                         "the key set at %s has failed for %" APR_INT64_T_FMT
                         " s (%s): run curl -v there from this machine, and ask who runs it",
                         whk_printable(invocation->pool, states[i].uri),
                         apr_time_sec(apr_time_now() - states[i].failing), states[i].error));
}

static void look_at_replays(const whk_invocation_t *invocation, const whk_metrics_t *metrics,
                            apr_array_header_t *list)
{
    apr_int64_t entries = whk_metrics_value(metrics, WHK_REPLAY_ENTRIES, 0, 0);
    apr_int64_t capacity = whk_metrics_value(metrics, WHK_REPLAY_CAPACITY, 0, 0);

    if (capacity && entries * 100 >= capacity * NEARLY_FULL)
        add(list, "replays.full",
            apr_psprintf(invocation->pool,
                         "%" APR_INT64_T_FMT " of %" APR_INT64_T_FMT
                         " webhooks are remembered: set a greater WebhookKeysReplayEntries, and "
                         "start httpd anew",
                         entries, capacity));
}

static void look_at_rollout(const whk_metrics_t *metrics, apr_array_header_t *list)
{
    if (whk_metrics_total(metrics, WHK_LET_THROUGH))
        add(list, "enforce.off",
            "WebhookKeysEnforce Off let webhooks through that nobody signed right: have their "
            "senders mend what WHK0028 in httpd's error log says, and set it On");
}

static void look_at_notifications(const whk_metrics_t *metrics, apr_array_header_t *list)
{
    apr_int64_t failed = 0;
    int event;

    for (event = 0; event < whk_label_count(WHK_LABEL_NOTIFICATION); event++)
        failed += whk_metrics_value(metrics, WHK_NOTIFICATIONS, event, WHK_DELIVERY_FAILED);
    if (failed && whk_metrics_value(metrics, WHK_NOTIFICATIONS_PENDING, 0, 0))
        add(list, "notifications.waiting",
            "the program of WebhookKeysNotify fails, and events wait to be told: grep WHK0941 in "
            "httpd's error log, and run it by hand (docs/notifications.md)");
}

static void look_at_own_errors(const whk_metrics_t *metrics, apr_array_header_t *list)
{
    apr_int64_t count = 0;
    int door;

    for (door = 0; door < whk_label_count(WHK_LABEL_DOOR); door++)
        count += whk_metrics_value(metrics, WHK_REFUSALS, door, WHK_INTERNAL_ERROR);
    if (count)
        add(list, "errors.internal",
            "requests were answered 500 internal_error: grep internal_error in httpd's error log, "
            "whose lines say what to do (docs/log-messages.md, by their number)");
}

apr_array_header_t *whk_status_advice(const whk_invocation_t *invocation,
                                      const whk_metrics_t *metrics,
                                      const whk_key_set_state_t *states, int count)
{
    apr_array_header_t *list = apr_array_make(invocation->pool, 4, sizeof(whk_advice_t));

    look_at_store(invocation, metrics, list);
    look_at_node(invocation, metrics, list);
    look_at_own_errors(metrics, list);
    look_at_key_sets(invocation, states, count, list);
    look_at_replays(invocation, metrics, list);
    look_at_rollout(metrics, list);
    look_at_notifications(metrics, list);
    return list;
}
