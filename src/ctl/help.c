/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"

static void print_option(const char *name, const char *value, const char *help)
{
    char left[40];

    snprintf(left, sizeof(left), "%s%s%s", name, value ? " " : "", value ? value : "");
    printf("  %-22s %s\n", left, help);
}

static void print_common_options(void)
{
    print_option("-f", "HTTPD_CONF", "httpd's main configuration file");
    print_option("-D", "NAME", "as httpd's -D, for <IfDefine NAME>; may be repeated");
    print_option("--server", "NAME", "the virtual host whose registry is meant, by ServerName");
    print_option("--httpd", "PATH", "the httpd that reads it (default: " WHK_HTTPD ")");
    print_option("--json", NULL, "answer in JSON");
    print_option("--help", NULL, "help, also on one command: whkctl token issue --help");
    print_option("--version", NULL, "show the version");
}

static void print_commands(const char *noun)
{
    const whk_command_t *command;

    for (command = whk_commands; command->noun; command++) {
        char left[60];

        if (noun && strcmp(command->noun, noun) != 0)
            continue;
        snprintf(left, sizeof(left), "%s%s%s%s%s", command->noun, command->verb ? " " : "",
                 command->verb ? command->verb : "", *command->operands ? " " : "",
                 command->operands);
        printf("  %-30s %s\n", left, command->summary);
    }
}

int whk_help_noun(const char *noun)
{
    const whk_command_t *command;

    for (command = whk_commands; command->noun; command++)
        if (command->verb && strcmp(command->noun, noun) == 0) {
            printf("Usage: whkctl -f HTTPD_CONF %s COMMAND [OPTION]...\n\nCommands:\n", noun);
            print_commands(noun);
            printf("\nMore on each: whkctl %s %s --help\n", noun, command->verb);
            return 1;
        }
    return 0;
}

void whk_help(void)
{
    puts("Usage: whkctl -f HTTPD_CONF COMMAND [OPTION]...\n"
         "Run the registry of webhook signing keys that httpd serves with mod_webhook_keys.\n"
         "\n"
         "Commands:");
    print_commands(NULL);
    puts("\nOptions, anywhere on the line:");
    print_common_options();
    puts("\nBefore a name that begins with a dash, write --.\n"
         "Exit status: 0 done, 1 refused, 2 wrong usage.\n"
         "\n"
         "The first steps, on Debian:\n"
         "  whkctl -f /etc/apache2/apache2.conf init\n"
         "  whkctl -f /etc/apache2/apache2.conf enterprise add acme\n"
         "  whkctl -f /etc/apache2/apache2.conf admin add acme alice@example.com\n"
         "  whkctl -f /etc/apache2/apache2.conf token issue alice@example.com --expires 90d\n"
         "  whkctl -f /etc/apache2/apache2.conf otp enroll alice@example.com\n"
         "  whkctl -f /etc/apache2/apache2.conf check");
}

void whk_help_command(const whk_command_t *command)
{
    int option;

    printf("Usage: whkctl -f HTTPD_CONF %s%s%s%s%s [OPTION]...\n", command->noun,
           command->verb ? " " : "", command->verb ? command->verb : "",
           *command->operands ? " " : "", command->operands);
    printf("Purpose: %s.\n", command->summary);
    if (command->help)
        printf("\n%s", command->help);
    puts("\nOptions:");
    for (option = 0; option < WHK_OPTION_COUNT; option++)
        if (command->options & (1u << option)) {
            char name[20];

            snprintf(name, sizeof(name), "--%s", whk_options[option].name);
            print_option(name, whk_options[option].value, whk_options[option].help);
        }
    print_common_options();
}
