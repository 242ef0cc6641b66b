#include "ctl/commands.h"

#define BIT(option) (1u << WHK_OPTION_##option)

const whk_command_t whk_commands[] = {
    {"init", NULL, "", 0, WHK_NEEDS_NOTHING, whk_cmd_init,
     "make the registry's schema and the secret key file",
     "Makes the SQLite file that DBDParams names, its folder where that is missing, the schema in\n"
     "it, and the file that WebhookKeysSecretKeyFile names. Nothing that is there is overwritten:\n"
     "run again, it says so and is done. Keep a copy of the secret key file apart from the\n"
     "registry: without it every one-time password must be enrolled anew.\n"
     "\n"
     "Started by root, it works as the owner of the registry's folder, which must be the User "
     "that\n"
     "httpd runs as; the secret key file stays root's, who reads it when httpd starts.\n"},
    {"migrate", NULL, "", 0, WHK_NEEDS_NOTHING, whk_cmd_migrate, "bring the schema to this version",
     "Stop httpd or let it run; each step is one transaction. Make a backup first: there is no "
     "way\n"
     "back to an older schema.\n"},
    {"check", NULL, "", 0, WHK_NEEDS_NOTHING, whk_cmd_check,
     "say what is wrong with schema, key file and permissions",
     "Each line is ok, notice or problem. Exits with 1 where there is a problem.\n"},
    {"enterprise", "add", "ENTERPRISE", BIT(NAME), WHK_NEEDS_REGISTRY, whk_cmd_enterprise_add,
     "make an enterprise",
     "ENTERPRISE is its id in the API's paths: 1 to 255 characters, no slash.\n"},
    {"enterprise", "list", "", 0, WHK_NEEDS_REGISTRY, whk_cmd_enterprise_list,
     "list the enterprises", NULL},
    {"admin", "add", "ENTERPRISE USER", 0, WHK_NEEDS_REGISTRY, whk_cmd_admin_add,
     "make a user an admin of an enterprise",
     "USER is the name that tokens are issued to, an e-mail address say. An admin may list keys\n"
     "with a token (whkctl token issue), and register and revoke them with a token and a one-time\n"
     "password (whkctl otp enroll).\n"},
    {"admin", "remove", "ENTERPRISE USER", 0, WHK_NEEDS_REGISTRY, whk_cmd_admin_remove,
     "make a user an admin no longer",
     "Takes effect with the next request. The user's tokens stay, for other enterprises.\n"},
    {"admin", "list", "ENTERPRISE", 0, WHK_NEEDS_REGISTRY, whk_cmd_admin_list,
     "list an enterprise's admins", NULL},
    {"token", "issue", "USER", BIT(EXPIRES) | BIT(LABEL), WHK_NEEDS_REGISTRY, whk_cmd_token_issue,
     "issue a bearer token",
     "The token is printed once, alone on standard output; the registry keeps its SHA-256 "
     "alone.\n"},
    {"token", "list", "[USER]", 0, WHK_NEEDS_REGISTRY, whk_cmd_token_list,
     "list the tokens of a user, or of all", NULL},
    {"token", "revoke", "ID", 0, WHK_NEEDS_REGISTRY, whk_cmd_token_revoke, "revoke a token",
     "ID is the token's id, as whkctl token list shows it. Takes effect with the next request.\n"},
    {"otp", "enroll", "USER",
     BIT(ALGORITHM) | BIT(DIGITS) | BIT(PERIOD) | BIT(ISSUER) | BIT(REPLACE),
     WHK_NEEDS_REGISTRY | WHK_NEEDS_KEY, whk_cmd_otp_enroll,
     "give a user a secret for one-time passwords",
     "Prints the otpauth:// URI that authenticator apps take, and on a terminal its QR code. It "
     "is\n"
     "shown once. Many apps know SHA-1, 6 digits and 30 seconds alone. A user who has a secret\n"
     "already is refused: see --replace.\n"},
    {"otp", "unlock", "USER", 0, WHK_NEEDS_REGISTRY, whk_cmd_otp_unlock,
     "lift the lock of a user who sent too many wrong codes", NULL},
    {"otp", "remove", "USER", 0, WHK_NEEDS_REGISTRY, whk_cmd_otp_remove,
     "take a user's secret for one-time passwords away",
     "From then on the user can neither register nor revoke a key.\n"},
    {"key", "list", "ENTERPRISE", BIT(STATUS) | BIT(LIMIT) | BIT(OFFSET), WHK_NEEDS_REGISTRY,
     whk_cmd_key_list, "list an enterprise's keys, oldest first", NULL},
    {"key", "revoke", "ENTERPRISE KEYID", 0, WHK_NEEDS_REGISTRY, whk_cmd_key_revoke,
     "revoke a key, for ever",
     "The operator's emergency brake: it takes no one-time password, and the audit trail names\n"
     "operator:<your unix user>. Revoking cannot be undone, and the keyId cannot be used again.\n"},
    {"audit", "list", "ENTERPRISE", BIT(LIMIT) | BIT(OFFSET), WHK_NEEDS_REGISTRY,
     whk_cmd_audit_list, "list an enterprise's events, newest first", NULL},
    {"audit", "verify", "[ENTERPRISE]", 0, WHK_NEEDS_REGISTRY, whk_cmd_audit_verify,
     "check the audit trail of an enterprise, or of all",
     "Walks the chain of hashes and names the first event that was edited, moved or taken away;\n"
     "then exits with 1. Keep the head that it prints elsewhere: whoever can write the registry\n"
     "can also make a whole new chain, which has another head.\n"},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
