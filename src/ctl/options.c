/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/options.h"

#include <stddef.h>

const whk_option_text_t whk_options[WHK_OPTION_COUNT] = {
    [WHK_OPTION_NAME] = {"name", "NAME", "what people call it (default: its id)"},
    [WHK_OPTION_EXPIRES] = {"expires", "DURATION",
                            "how long it is good: a number and s, m, h, d or w, as 90d (default: "
                            "for ever)"},
    [WHK_OPTION_LABEL] = {"label", "TEXT", "what it is for, in lists"},
    [WHK_OPTION_ALGORITHM] = {"algorithm", "NAME", "sha1, sha256 or sha512 (default: sha1)"},
    [WHK_OPTION_DIGITS] = {"digits", "NUMBER", "6 or 8 (default: 6)"},
    [WHK_OPTION_PERIOD] = {"period", "SECONDS", "15 to 60 (default: 30)"},
    [WHK_OPTION_ISSUER] = {"issuer", "TEXT",
                           "the name that the app shows beside the user (default: webhook-keys)"},
    [WHK_OPTION_REPLACE] = {"replace", NULL, "replace the secret that the user has"},
    [WHK_OPTION_DROP] = {"drop", NULL,
                         "in the third run: let go of the old key, whatever it seals still"},
    [WHK_OPTION_STATUS] = {"status", "STATUS", "only those that are ACTIVE, or REVOKED"},
    [WHK_OPTION_LIMIT] = {"limit", "NUMBER", "show so many at most (default: all)"},
    [WHK_OPTION_OFFSET] = {"offset", "NUMBER", "leave out so many first (default: 0)"},
    [WHK_OPTION_AT] = {"at", "TIME", "not now but then, as 2026-12-01T00:00:00Z"},
    [WHK_OPTION_CANCEL] = {"cancel", NULL, "not at all: cancel what --at has planned"},
    [WHK_OPTION_ENTERPRISE] = {"enterprise", "ENTERPRISE",
                               "whose keys they are, where the file does not say"},
    [WHK_OPTION_KEY_ID] = {"key-id", "KEYID",
                           "what the key is called, where the file does not say"},
    [WHK_OPTION_DRY_RUN] = {"dry-run", NULL, "change nothing, and say what would be"},
    [WHK_OPTION_SKIP_REFUSED] = {"skip-refused", NULL, "leave out what is refused"},
    [WHK_OPTION_ADD_ENTERPRISES] = {"add-enterprises", NULL, "make enterprises that are missing"},
    [WHK_OPTION_PRUNE] = {"prune", NULL,
                          "take away what is of those that the file names, and not in it"},
};
