/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: counts, in the file that WHK_TEST_COUNTS names, what a request can cost: one
 * 64-bit number each, in the order below, of all processes together. WHK::Costs reads them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    VERIFICATIONS,
    KEYS,
    JSON_BYTES,
    READS,
    WRITES,
    TRANSACTIONS,
    FETCHES,
    COUNT
};

static uint64_t *counts;

__attribute__((constructor)) static void map_counts(void)
{
    const char *file = getenv("WHK_TEST_COUNTS");
    int descriptor = file ? open(file, O_RDWR) : -1;

    if (descriptor < 0)
        return;
    counts = mmap(NULL, COUNT * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (counts == MAP_FAILED)
        counts = NULL;
    close(descriptor);
}

/* One of these may call another. */
static __thread int depth;

static void count(int what, uint64_t by)
{
    if (counts && depth++ == 0)
        __atomic_fetch_add(&counts[what], by, __ATOMIC_RELAXED);
}

/* Define a function that counts and then does what the one behind it does. */
#define COUNTED(type, name, parameters, arguments, what, by)                                       \
    __attribute__((visibility("default"))) type name parameters                                    \
    {                                                                                              \
        static type(*behind) parameters;                                                           \
        type result;                                                                               \
                                                                                                   \
        if (!behind)                                                                               \
            *(void **)&behind = dlsym(RTLD_NEXT, #name);                                           \
        count(what, by);                                                                           \
        result = behind arguments;                                                                 \
        if (counts)                                                                                \
            depth--;                                                                               \
        return result;                                                                             \
    }

COUNTED(int, EVP_DigestVerify,
        (void *context, const unsigned char *signature, size_t length, const unsigned char *text,
         size_t text_length),
        (context, signature, length, text, text_length), VERIFICATIONS, 1)
COUNTED(int, EVP_DigestVerifyFinal, (void *context, const unsigned char *signature, size_t length),
        (context, signature, length), VERIFICATIONS, 1)
COUNTED(int, EVP_PKEY_fromdata, (void *context, void *pkey, int selection, void *parameters),
        (context, pkey, selection, parameters), KEYS, 1)
COUNTED(void *, EVP_PKEY_new_raw_public_key_ex,
        (void *library, const char *type, const char *query, const unsigned char *key,
         size_t length),
        (library, type, query, key, length), KEYS, 1)
COUNTED(void *, json_loadb, (const char *text, size_t length, size_t flags, void *error),
        (text, length, flags, error), JSON_BYTES, length)
COUNTED(int, apr_dbd_pbselect,
        (const void *driver, void *pool, void *handle, void *results, void *statement, int seek,
         const void **arguments),
        (driver, pool, handle, results, statement, seek, arguments), READS, 1)
COUNTED(int, apr_dbd_pbquery,
        (const void *driver, void *pool, void *handle, int *rows, void *statement,
         const void **arguments),
        (driver, pool, handle, rows, statement, arguments), WRITES, 1)
COUNTED(int, apr_dbd_transaction_start,
        (const void *driver, void *pool, void *handle, void *transaction),
        (driver, pool, handle, transaction), TRANSACTIONS, 1)
COUNTED(int, curl_easy_perform, (void *handle), (handle), FETCHES, 1)
