/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/commands.h"

#define BIT(option) (1u << WHK_OPTION_##option)

const whk_command_t whk_commands[] = {
    {"init", NULL, "", 0, WHK_NEEDS_NOTHING, whk_cmd_init,
     "make the registry's schema and the secret key file",
     "Makes the SQLite file that DBDParams names, its folder where that is missing, the schema in\n"
     "it, and the file that WebhookKeysSecretKeyFile names. Nothing that is there is overwritten:\n"
     "run again, it says so and is done. Keep a copy of the secret key file apart from the\n"
     "registry: without it no row of the registry is good any more.\n"
     "\n"
     "Started by root, it works as the owner of the registry's folder, which must be the User "
     "that\n"
     "httpd runs as; the secret key file stays root's, who reads it when httpd starts.\n"},
    {"migrate", NULL, "", 0, WHK_NEEDS_NOTHING, whk_cmd_migrate, "bring the schema to this version",
     "Stop httpd or let it run; all steps are one transaction. Make a backup first: there is no "
     "way\n"
     "back to an older schema.\n"
     "\n"
     "The step to version 4 seals each row under the secret key, after it has verified the audit\n"
     "trail of every enterprise. Where that does not hold together nothing is migrated.\n"},
    {"check", NULL, "", 0, WHK_NEEDS_NOTHING, whk_cmd_check,
     "say what is wrong with configuration, schema, key file, permissions and rows",
     "Each line is ok, notice or problem, says what to type, and ends with the id by which\n"
     "docs/checks.md and --json have it. Exits with 1 where there is a problem.\n"},
    {"status", NULL, "", 0, WHK_NEEDS_NOTHING, whk_cmd_status,
     "show what the running httpd counted, and what is wrong now",
     "Reads what the httpd of that configuration counts in, so it is for root, or whoever starts\n"
     "httpd, and works while the database is away: webhooks and requests that were refused, by\n"
     "cause, whose they were and what to type; the database, key sets by URI, caches. Numbers are\n"
     "since httpd was started.\n"},
    {"enterprise", "add", "ENTERPRISE", BIT(NAME), WHK_NEEDS_REGISTRY, whk_cmd_enterprise_add,
     "make an enterprise",
     "ENTERPRISE is its id in the API's paths: 1 to 255 characters, no slash.\n"},
    {"enterprise", "list", "", 0, WHK_NEEDS_REGISTRY, whk_cmd_enterprise_list,
     "list the enterprises", NULL},
    {"admin", "add", "ENTERPRISE USER", 0, WHK_NEEDS_BOTH, whk_cmd_admin_add,
     "make a user an admin of an enterprise",
     "USER is the name that tokens are issued to, an e-mail address say. An admin may list keys\n"
     "with a token (whkctl token issue), and register and revoke them with a token and a one-time\n"
     "password (whkctl otp enroll).\n"},
    {"admin", "remove", "ENTERPRISE USER", 0, WHK_NEEDS_REGISTRY, whk_cmd_admin_remove,
     "make a user an admin no longer",
     "Takes effect with the next request. The user's tokens stay, for other enterprises.\n"},
    {"admin", "list", "ENTERPRISE", 0, WHK_NEEDS_BOTH, whk_cmd_admin_list,
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
     BIT(ALGORITHM) | BIT(DIGITS) | BIT(PERIOD) | BIT(ISSUER) | BIT(REPLACE), WHK_NEEDS_BOTH,
     whk_cmd_otp_enroll, "give a user a secret for one-time passwords",
     "Prints the otpauth:// URI that authenticator apps take, and on a terminal its QR code. It "
     "is\n"
     "shown once. Many apps know SHA-1, 6 digits and 30 seconds alone. A user who has a secret\n"
     "already is refused: see --replace.\n"},
    {"otp", "unlock", "USER", 0, WHK_NEEDS_REGISTRY, whk_cmd_otp_unlock,
     "lift the lock of a user who sent too many wrong codes", NULL},
    {"otp", "remove", "USER", 0, WHK_NEEDS_REGISTRY, whk_cmd_otp_remove,
     "take a user's secret for one-time passwords away",
     "From then on the user can neither register nor revoke a key.\n"},
    {"key", "list", "ENTERPRISE", BIT(STATUS) | BIT(LIMIT) | BIT(OFFSET), WHK_NEEDS_BOTH,
     whk_cmd_key_list, "list an enterprise's keys, oldest first", NULL},
    {"key", "revoke", "ENTERPRISE KEYID", BIT(AT) | BIT(CANCEL), WHK_NEEDS_BOTH, whk_cmd_key_revoke,
     "revoke a key, for ever",
     "The operator's emergency brake: it takes no one-time password, and the audit trail names\n"
     "operator:<your unix user>. Revoking cannot be undone, and the keyId cannot be used again.\n"
     "\n"
     "With --at the key is revoked by itself at that time, on every node, whatever runs then: a\n"
     "date and time with an offset (RFC 3339), at most 10 years ahead. Run again, it moves the\n"
     "time; --cancel cancels it, until then.\n"},
    {"import", NULL, "FILE",
     BIT(ENTERPRISE) | BIT(KEY_ID) | BIT(DRY_RUN) | BIT(SKIP_REFUSED) | BIT(ADD_ENTERPRISES),
     WHK_NEEDS_BOTH | WHK_NEEDS_FILE, whk_cmd_import, "register keys that customers have already",
     "FILE has an object a line (JSON lines), or is CSV whose first line names the columns:\n"
     "enterprise, keyId, keyName, key, jwksUri, status, revokesDate. A key is a JWK, a JWK Set "
     "with\n"
     "one key, PEM, or whpk_ and base64. One that is REVOKED uses its keyId up, and needs no key.\n"
     "A JWK Set, or one key, may be the whole FILE, with --enterprise. - is standard input.\n"
     "\n"
     "All of it is looked at before anything is changed. What is there already stays as it is, so "
     "a\n"
     "run that was interrupted is run again. The audit trail names operator:<your unix user>.\n"},
    {"export", NULL, "[ENTERPRISE]", 0, WHK_NEEDS_BOTH, whk_cmd_export,
     "print all keys, as whkctl import takes them",
     "A JSON object a line, with the public key, the revoked ones too. No secrets, no admins, no\n"
     "audit trail: for another registry of the same enterprises a backup is the way.\n"},
    {"apply", NULL, "FILE", BIT(DRY_RUN) | BIT(PRUNE), WHK_NEEDS_BOTH | WHK_NEEDS_FILE,
     whk_cmd_apply, "make enterprises, admins and tokens what a file says",
     "For configuration management: run again, it changes nothing. FILE is a JSON object,\n"
     "  {\"enterprises\": [{\"id\": \"acme\", \"name\": \"Acme\", \"admins\": "
     "[\"alice@example.com\"]}],\n"
     "   \"tokens\": [{\"user\": \"alice@example.com\", \"sha256\": \"...\", \"label\": \"ci\",\n"
     "               \"expires\": \"2027-01-01T00:00:00Z\"}]}\n"
     "A token is told by the SHA-256 of it, in hex: the file holds no secret. - is standard "
     "input.\n"
     "\n"
     "With --prune, admins that an enterprise's list does not name are removed, and tokens that "
     "are\n"
     "not in the file revoked, of the users that have one there.\n"},
    {"audit", "list", "ENTERPRISE", BIT(LIMIT) | BIT(OFFSET), WHK_NEEDS_BOTH, whk_cmd_audit_list,
     "list an enterprise's events, newest first", NULL},
    {"audit", "verify", "[ENTERPRISE]", 0, WHK_NEEDS_BOTH, whk_cmd_audit_verify,
     "check the audit trail of an enterprise, or of all",
     "Walks the chain of hashes, looks at the seal of each event, key and admin, and holds each "
     "key\n"
     "to what the events say of it. Names whatever is not as httpd and whkctl wrote it; then "
     "exits\n"
     "with 1. Keep the head that it prints elsewhere: it shows where somebody brings back an "
     "older\n"
     "state of the whole registry.\n"},
    {"secret", "rotate", "", BIT(DROP), WHK_NEEDS_NOTHING, whk_cmd_secret_rotate,
     "put another key in the place of the secret key, in three runs",
     "httpd goes on serving meanwhile. The first run makes a new key and writes it into the "
     "secret\n"
     "key file as the next. The second seals every row of the registry under it. The third takes\n"
     "the old one out of the file. After each, copy the file to every node and reload httpd there\n"
     "(apachectl graceful) before the next. A run that was interrupted is run again.\n"
     "\n"
     "The third run refuses while rows stay under the old key, and names some. A node that was\n"
     "not reloaded may be at it, or a trigger that whkctl check names. Where neither can be\n"
     "helped, --drop takes the old key out all the same, and these rows are good no longer.\n"},
    {NULL, NULL, NULL, 0, 0, NULL, NULL, NULL},
};
