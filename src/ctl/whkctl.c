/* SPDX-License-Identifier: Apache-2.0 */
#include <apr_general.h>
#include <apr_signal.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/identity.h"
#include "model/version.h"

/* Values of getopt_long() for options that have no letter; those of commands follow. */
enum {
    OPTION_HELP = 256,
    OPTION_VERSION,
    OPTION_JSON,
    OPTION_SERVER,
    OPTION_HTTPD,
    OPTION_OF_COMMAND
};

#define COMMON_OPTIONS 5

/* The command line as it was read, before it is known which command it is. */
typedef struct {
    const char *server;
    const char *httpd;
    apr_array_header_t *defines;
    int help;
    int version;
    char **operands;
    int operand_count;
} line_t;

static void list_options(struct option options[])
{
    static const struct option common[COMMON_OPTIONS] = {
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {"json", no_argument, NULL, OPTION_JSON},
        {"server", required_argument, NULL, OPTION_SERVER},
        {"httpd", required_argument, NULL, OPTION_HTTPD},
    };
    int i;

    memcpy(options, common, sizeof(common));
    for (i = 0; i < WHK_OPTION_COUNT; i++) {
        struct option *option = &options[COMMON_OPTIONS + i];

        option->name = whk_options[(whk_option_t)i].name;
        option->has_arg = whk_options[(whk_option_t)i].value ? required_argument : no_argument;
        option->val = OPTION_OF_COMMAND + i;
    }
}

static int misread(int argc, char **argv, int missing_value)
{
    const char *argument = optind > 0 && optind <= argc ? argv[optind - 1] : "";

    if (missing_value)
        return whk_misused(NULL, "%s needs a value", argument);
    return whk_misused(NULL,
                       "%s is no option of whkctl; before a name that begins with a dash, "
                       "write --",
                       argument);
}

static int read_line(whk_invocation_t *invocation, int argc, char **argv, line_t *line)
{
    struct option options[COMMON_OPTIONS + WHK_OPTION_COUNT + 1] = {{NULL, 0, NULL, 0}};
    int option;

    list_options(options);
    while ((option = getopt_long(argc, argv, ":f:D:h", options, NULL)) != -1) {
        if (option == 'f')
            invocation->conf_file = optarg;
        else if (option == 'D')
            APR_ARRAY_PUSH(line->defines, const char *) = optarg;
        else if (option == 'h' || option == OPTION_HELP)
            line->help = 1;
        else if (option == OPTION_VERSION)
            line->version = 1;
        else if (option == OPTION_JSON)
            invocation->json = 1;
        else if (option == OPTION_SERVER)
            line->server = optarg;
        else if (option == OPTION_HTTPD)
            line->httpd = optarg;
        else if (option >= OPTION_OF_COMMAND)
            invocation->option[option - OPTION_OF_COMMAND] = optarg ? optarg : "";
        else
            return misread(argc, argv, option == ':');
    }
    line->operands = argv + optind;
    line->operand_count = argc - optind;
    return WHK_EXIT_DONE;
}

static int misnamed(const line_t *line)
{
    const char *noun = line->operands[0];
    const char *verbs = NULL;
    const whk_command_t *command;

    for (command = whk_commands; command->noun; command++) {
        if (strcmp(command->noun, noun) != 0)
            continue;
        if (!verbs)
            fprintf(stderr, "whkctl: %s needs to be told what to do:", noun);
        verbs = command->verb;
        fprintf(stderr, " %s", verbs);
    }
    if (verbs) {
        fputs("\nTry: whkctl --help\n", stderr);
        return WHK_EXIT_USAGE;
    }
    return whk_misused(NULL, "there is no command %s", noun);
}

static int find_command(whk_invocation_t *invocation, line_t *line)
{
    const whk_command_t *command;

    if (line->operand_count == 0)
        return whk_misused(NULL, "there is no command on the line");
    for (command = whk_commands; command->noun; command++) {
        int words = command->verb ? 2 : 1;

        if (line->operand_count < words || strcmp(command->noun, line->operands[0]) != 0 ||
            (command->verb && strcmp(command->verb, line->operands[1]) != 0))
            continue;
        invocation->command = command;
        line->operands += words;
        line->operand_count -= words;
        return WHK_EXIT_DONE;
    }
    return misnamed(line);
}

static int count_words(const char *text, char before)
{
    int count = 0;

    for (; *text; text++)
        count += *text == before;
    return count;
}

static int take_operands(whk_invocation_t *invocation, const line_t *line)
{
    const whk_command_t *command = invocation->command;
    int most = *command->operands ? count_words(command->operands, ' ') + 1 : 0;
    int least = most - count_words(command->operands, '[');
    int i;

    if (line->operand_count < least)
        return whk_misused(command, "%s is missing: it takes %s",
                           least == 2 && line->operand_count == 1 ? "the second name" : "a name",
                           command->operands);
    if (line->operand_count > most)
        return whk_misused(command, "%s is one too many: it takes %s", line->operands[most],
                           most ? command->operands : "no names");
    for (i = 0; i < line->operand_count; i++)
        invocation->operand[i] = line->operands[i];
    for (i = 0; i < WHK_OPTION_COUNT; i++)
        if (invocation->option[i] && !(command->options & (1u << i)))
            return whk_misused(command, "this command does not take --%s",
                               whk_options[(whk_option_t)i].name);
    return WHK_EXIT_DONE;
}

static int read_configuration(whk_invocation_t *invocation, const line_t *line)
{
    const whk_httpd_config_t *config;
    const char *flaw;

    if (!invocation->conf_file)
        return whk_misused(invocation->command, "-f HTTPD_CONF is missing: name httpd's main "
                                                "configuration file");
    flaw = whk_httpd_config_read(invocation->pool, line->httpd, invocation->conf_file,
                                 line->defines, &config);
    if (!flaw)
        flaw =
            whk_registry_config_find(invocation->pool, config, line->server, &invocation->config);
    if (flaw)
        return whk_refused("%s", flaw);
    if (invocation->config.dialect->is_file && *invocation->config.params != '/')
        whk_hint("whkctl: %s: DBDParams is \"%s\", which httpd looks for in the folder that it was "
                 "started in: an absolute path would be safer",
                 invocation->config.params_place, invocation->config.params);
    return WHK_EXIT_DONE;
}

static int run(whk_invocation_t *invocation, int argc, char **argv)
{
    line_t line = {.httpd = WHK_HTTPD,
                   .defines = apr_array_make(invocation->pool, 1, sizeof(const char *))};

    WHK_TRY_STATUS(read_line(invocation, argc, argv, &line));
    if (line.version) {
        puts("whkctl " WHK_VERSION);
        return WHK_EXIT_DONE;
    }
    if (line.help && line.operand_count == 0) {
        whk_help();
        return WHK_EXIT_DONE;
    }
    if (line.help && line.operand_count == 1 && whk_help_noun(line.operands[0]))
        return WHK_EXIT_DONE;
    WHK_TRY_STATUS(find_command(invocation, &line));
    if (line.help) {
        whk_help_command(invocation->command);
        return WHK_EXIT_DONE;
    }
    WHK_TRY_STATUS(take_operands(invocation, &line));
    WHK_TRY_STATUS(read_configuration(invocation, &line));
    WHK_TRY_STATUS(whk_invocation_prepare(invocation));
    return invocation->command->run(invocation);
}

int main(int argc, char **argv)
{
    whk_invocation_t invocation = {0};
    int status;

    if (apr_initialize() != APR_SUCCESS) {
        fputs("whkctl: APR cannot be initialised\n", stderr);
        return WHK_EXIT_REFUSED;
    }
    setlocale(LC_CTYPE, "");
    umask(027);
    /* Who started this may ignore it, and then nobody learns how httpd ended. */
    apr_signal(SIGCHLD, SIG_DFL);
    opterr = 0;
    apr_pool_create(&invocation.pool, NULL);
    invocation.operator_name = whk_identity_name(invocation.pool, getuid());
    status = run(&invocation, argc, argv);
    apr_pool_destroy(invocation.pool);
    /* What was printed is part of what was done: a token that nobody got to see, say. */
    if (fflush(stdout) != 0 || ferror(stdout))
        status = whk_refused("standard output could not be written");
    apr_terminate();
    return status;
}
