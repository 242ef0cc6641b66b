/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/httpd_config.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <jansson.h>
#include <libgen.h>
#include <string.h>

#include "jose/json.h"
#include "model/config_dump.h"
#include "model/version.h"

/* Far above what any configuration makes httpd print, and below what would hurt to hold in memory.
 */
#define OUTPUT_MAX ((apr_size_t)16 * 1024 * 1024)

/* As much of it is shown where httpd refuses: what it says last is why. */
#define SHOWN_MAX 4096

/* How a shell says that it could not start a program. */
#define SHELL_CANNOT_EXECUTE 126
#define SHELL_FINDS_NOTHING 127

/* $1 is the configuration's folder, then come httpd and its arguments. The rest is what Debian's
 * apache2ctl does: httpd looks for relative files in that folder, and has its own for run-time
 * files, which other users must be able to enter. */
static const char script[] = "exec 2>&1\n"
                             "umask 022\n"
                             "if test -f \"$1/envvars\"; then\n"
                             "    if test \"$(id -u)\" = 0 && ! test -O \"$1/envvars\"; then\n"
                             "        echo \"$1/envvars must be root's, who runs it\"; exit 1\n"
                             "    fi\n"
                             "    APACHE_CONFDIR=$1\n"
                             "    . \"$1/envvars\"\n"
                             "    test -z \"$APACHE_RUN_DIR\" || test -d \"$APACHE_RUN_DIR\" ||\n"
                             "        mkdir -p \"$APACHE_RUN_DIR\"\n"
                             "    folder=$1 httpd=$2\n"
                             "    shift 2\n"
                             "    set -- - \"$httpd\" -d \"$folder\" $APACHE_ARGUMENTS \"$@\"\n"
                             "fi\n"
                             "shift\n"
                             "exec \"$@\"\n";

/* ---- httpd, by way of a shell ---- */

static const char *system_flaw(apr_pool_t *pool, const char *what, apr_status_t status)
{
    char buffer[120];

    return apr_pstrcat(pool, what, ": ", apr_strerror(status, buffer, sizeof(buffer)), NULL);
}

static const char *const *arguments_of(apr_pool_t *pool, const char *httpd, const char *file,
                                       const apr_array_header_t *defines)
{
    const char *const first[] = {
        "sh",  "-c", script, "whkctl",        dirname(apr_pstrdup(pool, file)),
        httpd, "-t", "-D",   WHK_CONFIG_DUMP, "-f",
        file};
    apr_array_header_t *arguments = apr_array_make(pool, 16, sizeof(const char *));
    size_t i;
    int j;

    for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        APR_ARRAY_PUSH(arguments, const char *) = first[i];
    for (j = 0; j < defines->nelts; j++) {
        APR_ARRAY_PUSH(arguments, const char *) = "-D";
        APR_ARRAY_PUSH(arguments, const char *) = APR_ARRAY_IDX(defines, j, const char *);
    }
    APR_ARRAY_PUSH(arguments, const char *) = NULL;
    return (const char *const *)arguments->elts;
}

/* In and out; errors go where the shell puts them. */
static apr_status_t start(apr_pool_t *pool, const char *const *arguments, apr_proc_t *process)
{
    apr_procattr_t *attributes;
    apr_file_t *nothing;
    apr_status_t status =
        apr_file_open(&nothing, "/dev/null", APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);

    if (status == APR_SUCCESS)
        status = apr_procattr_create(&attributes, pool);
    if (status == APR_SUCCESS)
        status = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV);
    if (status == APR_SUCCESS)
        status = apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK, APR_NO_PIPE);
    if (status == APR_SUCCESS)
        status = apr_procattr_child_in_set(attributes, nothing, NULL);
    if (status == APR_SUCCESS)
        status = apr_proc_create(process, "/bin/sh", arguments, NULL, attributes, pool);
    return status;
}

static const char *read_output(apr_pool_t *pool, apr_proc_t *process, char **output)
{
    apr_size_t room = 16384;
    apr_size_t length = 0;
    apr_size_t i;
    apr_status_t status;

    *output = apr_palloc(pool, room + 1);
    for (;;) {
        apr_size_t got = room - length;

        status = apr_file_read(process->out, *output + length, &got);
        if (status != APR_SUCCESS)
            break;
        length += got;
        if (length < room)
            continue;
        if (room >= OUTPUT_MAX)
            break;
        *output = memcpy(apr_palloc(pool, 2 * room + 1), *output, length);
        room *= 2;
    }
    (*output)[length] = '\0';
    for (i = 0; i < length; i++)
        if (!(*output)[i])
            (*output)[i] = ' ';
    while (length > 0 && (*output)[length - 1] == '\n')
        (*output)[--length] = '\0';
    if (APR_STATUS_IS_EOF(status))
        return NULL;
    apr_proc_kill(process, SIGKILL);
    return status == APR_SUCCESS ? "it was ended, since it prints without end"
                                 : system_flaw(pool, "what it prints could not be read", status);
}

/* @param output all that was printed
 * @return NULL, or how it went wrong */
static const char *run(apr_pool_t *pool, const char *const *arguments, char **output)
{
    apr_proc_t process;
    apr_exit_why_e why;
    int code;
    const char *flaw;
    apr_status_t status = start(pool, arguments, &process);

    *output = "";
    if (status != APR_SUCCESS)
        return system_flaw(pool, "it cannot be started", status);
    flaw = read_output(pool, &process, output);
    apr_file_close(process.out);
    apr_proc_wait(&process, &code, &why, APR_WAIT);
    if (flaw)
        return flaw;
    if (!APR_PROC_CHECK_EXIT(why))
        return apr_psprintf(pool, "it was ended by signal %d", code);
    if (code == SHELL_CANNOT_EXECUTE || code == SHELL_FINDS_NOTHING)
        return "it cannot be started: name httpd's program by --httpd";
    return code == 0 ? NULL : "it does not take this configuration";
}

/* ---- what it printed ---- */

/* The line of the module, cut off from what comes before and after it; NULL: there is none. */
static const char *take_dump(char *output)
{
    char *line = strstr(output, "\n{\"" WHK_CONFIG_DUMP_MEMBER "\":");

    if (!line)
        return NULL;
    *line++ = '\0';
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static const char *last_lines(const char *output)
{
    apr_size_t length = strlen(output);
    const char *line = length > SHOWN_MAX ? strchr(output + length - SHOWN_MAX, '\n') : NULL;

    return line ? line + 1 : output + (length > SHOWN_MAX ? length - SHOWN_MAX : 0);
}

static const char *copy(apr_pool_t *pool, const json_t *object, const char *member)
{
    return apr_pstrdup(pool, json_string_value(json_object_get(object, member)));
}

static apr_array_header_t *copy_list(apr_pool_t *pool, const json_t *object, const char *member)
{
    const json_t *list = json_object_get(object, member);
    apr_array_header_t *copies = apr_array_make(pool, 2, sizeof(const char *));
    size_t i;

    for (i = 0; i < json_array_size(list); i++)
        APR_ARRAY_PUSH(copies, const char *) =
            apr_pstrdup(pool, json_string_value(json_array_get(list, i)));
    return copies;
}

static void read_server(apr_pool_t *pool, const json_t *object, whk_httpd_server_t *server)
{
    server->names = copy_list(pool, object, "names");
    server->place = copy(pool, object, "place");
    server->driver = copy(pool, object, "driver");
    server->params = copy(pool, object, "params");
    server->params_place = copy(pool, object, "paramsPlace");
    server->secret_key_file = copy(pool, object, "secretKeyFile");
}

static void read_dump(apr_pool_t *pool, const json_t *dump, whk_httpd_config_t *config)
{
    const json_t *servers = json_object_get(dump, "servers");
    const json_t *user = json_object_get(dump, "user");
    size_t i;

    config->user.name = copy(pool, user, "name");
    config->user.uid = (uid_t)json_integer_value(json_object_get(user, "uid"));
    config->user.gid = (gid_t)json_integer_value(json_object_get(user, "gid"));
    read_server(pool, json_array_get(servers, 0), &config->main_server);
    config->hosts = whk_json_adopt(pool, json_incref(json_object_get(dump, "hosts")));
    config->settings = whk_json_adopt(pool, json_incref(json_object_get(dump, "settings")));
    config->metrics_file = copy(pool, dump, "metricsFile");
    config->modules = copy_list(pool, dump, "modules");
    config->mpm = copy(pool, dump, "mpm");
    config->not_enforced = copy_list(pool, dump, "notEnforced");
    config->virtual_hosts = apr_array_make(pool, 4, sizeof(whk_httpd_server_t *));
    for (i = 1; i < json_array_size(servers); i++) {
        whk_httpd_server_t *server = apr_palloc(pool, sizeof(*server));

        read_server(pool, json_array_get(servers, i), server);
        APR_ARRAY_PUSH(config->virtual_hosts, whk_httpd_server_t *) = server;
    }
}

const char *whk_httpd_config_read(apr_pool_t *pool, const char *httpd, const char *file,
                                  const apr_array_header_t *defines,
                                  const whk_httpd_config_t **result)
{
    whk_httpd_config_t *config = apr_palloc(pool, sizeof(*config));
    char *absolute, *output;
    const char *dump, *flaw;
    json_t *json;

    if (apr_filepath_merge(&absolute, NULL, file, APR_FILEPATH_TRUENAME, pool) != APR_SUCCESS)
        return apr_psprintf(pool, "%s is not the name of a file", file);
    flaw = run(pool, arguments_of(pool, httpd, absolute, defines), &output);
    dump = take_dump(output);
    if (flaw)
        return apr_psprintf(pool, "%s was given to %s: %s%s%s", file, httpd, flaw,
                            *output ? "\n" : "", last_lines(output));
    json = dump ? json_loads(dump, 0, NULL) : NULL;
    if (!json)
        return apr_psprintf(pool,
                            "%s loads no mod_webhook_keys that whkctl " WHK_VERSION
                            " can ask: it needs LoadModule webhook_keys_module "
                            "/path/of/mod_webhook_keys.so (on Debian: a2enmod webhook_keys)",
                            file);
    read_dump(pool, json, config);
    json_decref(json);
    *result = config;
    return NULL;
}
