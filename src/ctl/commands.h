/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_CTL_COMMANDS_H
#define WHK_CTL_COMMANDS_H

/**
 * @file ctl/commands.h
 * Every command of whkctl, and what its help says.
 */

#include "ctl/control.h"

/** All commands in the order of the help, up to one whose noun is NULL. */
extern const whk_command_t whk_commands[];

/** The long name of an option. */
const char *whk_option_name(whk_option_t option);

/** True where the option takes a value. */
int whk_option_takes_value(whk_option_t option);

/** Print the help of whkctl as a whole. */
void whk_help(void);

/** Print the help of the commands that share a noun. @return 0 where there is no such noun */
int whk_help_noun(const char *noun);

/** Print the help of one command. */
void whk_help_command(const whk_command_t *command);

/* The handlers: each in the file of its noun, `cmd_<noun>.c`. */
int whk_cmd_init(whk_control_t *control);
int whk_cmd_migrate(whk_control_t *control);
int whk_cmd_check(whk_control_t *control);
int whk_cmd_enterprise_add(whk_control_t *control);
int whk_cmd_enterprise_list(whk_control_t *control);
int whk_cmd_admin_add(whk_control_t *control);
int whk_cmd_admin_remove(whk_control_t *control);
int whk_cmd_admin_list(whk_control_t *control);
int whk_cmd_token_issue(whk_control_t *control);
int whk_cmd_token_list(whk_control_t *control);
int whk_cmd_token_revoke(whk_control_t *control);
int whk_cmd_otp_enroll(whk_control_t *control);
int whk_cmd_otp_unlock(whk_control_t *control);
int whk_cmd_otp_remove(whk_control_t *control);
int whk_cmd_key_list(whk_control_t *control);
int whk_cmd_key_revoke(whk_control_t *control);
int whk_cmd_audit_list(whk_control_t *control);
int whk_cmd_audit_verify(whk_control_t *control);
int whk_cmd_secret_rotate(whk_control_t *control);

#endif
