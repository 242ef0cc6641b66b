/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resolver of the tests' own: replaces getaddrinfo(), in a test program by linking this file, in
 * httpd by LD_PRELOAD of it as a shared library (cc -D_GNU_SOURCE -shared -fPIC
 * -o test_resolver.so test_resolver.c -ldl).
 *
 * The environment's WHK_TEST_RESOLVER names a file, read at each look-up, of lines
 *
 *     NAME [sleep=SECONDS] ADDRESS...      these addresses, in this order, after that time
 *     NAME [sleep=SECONDS] missing         there is no such name
 *
 * Several lines for one name are its answers, one after another; the last one stays. What the file
 * does not name is looked up as ever.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NAMES_MAX 64

typedef int (*getaddrinfo_fn)(const char *, const char *, const struct addrinfo *,
                              struct addrinfo **);

static pthread_mutex_t turns_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[256];
    int turn;
} turns[NAMES_MAX];

/** How often this name was looked up before. */
static int take_turn(const char *name)
{
    int i, turn = 0;

    pthread_mutex_lock(&turns_lock);
    for (i = 0; i < NAMES_MAX - 1 && turns[i].name[0] && strcasecmp(turns[i].name, name); i++)
        ;
    snprintf(turns[i].name, sizeof(turns[i].name), "%s", name);
    turn = turns[i].turn++;
    pthread_mutex_unlock(&turns_lock);
    return turn;
}

/** Find the line for this turn, without the name. */
static int find_line(const char *name, char *answer, size_t size)
{
    const char *path = getenv("WHK_TEST_RESOLVER");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[1024];
    int found = 0, turn = -1;

    while (file && fgets(line, sizeof(line), file)) {
        size_t length = strcspn(line, " \n");

        if (length != strlen(name) || strncasecmp(line, name, length))
            continue;
        if (turn < 0)
            turn = take_turn(name);
        if (found <= turn)
            snprintf(answer, size, "%s", line + length);
        found++;
    }
    if (file)
        fclose(file);
    return found;
}

static int append(struct addrinfo **list, const char *address, const char *service,
                  const struct addrinfo *hints, getaddrinfo_fn next)
{
    struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST};
    int failure;

    if (hints) {
        numeric.ai_family = hints->ai_family;
        numeric.ai_socktype = hints->ai_socktype;
        numeric.ai_protocol = hints->ai_protocol;
    }
    while (*list)
        list = &(*list)->ai_next;
    failure = next(address, service, &numeric, list);
    return failure == EAI_ADDRFAMILY || failure == EAI_NONAME ? 0 : failure;
}

/* Seen by libcurl too, also where the build hides what is not asked for. */
__attribute__((visibility("default"))) int getaddrinfo(const char *restrict name,
                                                       const char *restrict service,
                                                       const struct addrinfo *restrict hints,
                                                       struct addrinfo **restrict result)
{
    getaddrinfo_fn next;
    char answer[1024], *word, *state = NULL;

    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!name || !find_line(name, answer, sizeof(answer)))
        return next(name, service, hints, result);

    *result = NULL;
    for (word = strtok_r(answer, " \n", &state); word; word = strtok_r(NULL, " \n", &state)) {
        int failure = 0;

        if (!strncmp(word, "sleep=", 6)) {
            double seconds = atof(word + 6);
            struct timespec time = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};

            nanosleep(&time, NULL);
        } else if (strcmp(word, "missing")) {
            failure = append(result, word, service, hints, next);
        }
        if (failure)
            return failure;
    }
    return *result ? 0 : EAI_NONAME;
}
