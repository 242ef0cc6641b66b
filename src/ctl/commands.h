/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Every command of whkctl, and what its help says. */

#include "ctl/invocation.h"

/** All commands in the order of the help, up to one whose noun is NULL. */
extern const whk_command_t whk_commands[];

/** Print the help of whkctl as a whole. */
void whk_help(void);

/** Print the help of the commands that share a noun. @return 0 where there is no such noun */
int whk_help_noun(const char *noun);

/** Print the help of one command. */
void whk_help_command(const whk_command_t *command);

/** The handlers, each in the file of its noun, `cmd_<noun>.c`. @return an exit status */
typedef int whk_command_handler_t(whk_invocation_t *invocation);
whk_command_handler_t whk_cmd_init, whk_cmd_migrate, whk_cmd_check, whk_cmd_status,
    whk_cmd_enterprise_add, whk_cmd_enterprise_list, whk_cmd_admin_add, whk_cmd_admin_remove,
    whk_cmd_admin_list, whk_cmd_token_issue, whk_cmd_token_list, whk_cmd_token_revoke,
    whk_cmd_otp_enroll, whk_cmd_otp_unlock, whk_cmd_otp_remove, whk_cmd_key_list,
    whk_cmd_key_revoke, whk_cmd_audit_list, whk_cmd_audit_verify, whk_cmd_secret_rotate,
    whk_cmd_import, whk_cmd_export, whk_cmd_apply;
