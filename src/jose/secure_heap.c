/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/secure_heap.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

/* A block in it, by which its pages are found: OpenSSL tells of an address whether it is there. */
static char *mark;
static apr_size_t used;

static apr_status_t forget(void *unused)
{
    (void)unused;
    OPENSSL_secure_free(mark);
    mark = NULL;
    used = 0;
    return APR_SUCCESS;
}

void whk_secure_heap_open(apr_size_t size, apr_pool_t *pool)
{
    if (mark)
        return;
    if (!CRYPTO_secure_malloc_initialized())
        CRYPTO_secure_malloc_init(size, 32);
    if (!CRYPTO_secure_malloc_initialized())
        return;
    mark = OPENSSL_secure_malloc(32);
    apr_pool_cleanup_register(pool, NULL, forget, apr_pool_cleanup_null);
}

void whk_secure_heap_note(void)
{
    used = CRYPTO_secure_used();
}

/* The first byte of the heap, by steps of a page: it begins where one does. */
static char *first_byte(apr_size_t page)
{
    char *at = mark - (apr_size_t)((apr_uintptr_t)mark % page);

    while (CRYPTO_secure_allocated(at - page))
        at -= page;
    return at;
}

static apr_size_t length_from(char *at, apr_size_t page)
{
    apr_size_t length = 0;

    while (CRYPTO_secure_allocated(at + length))
        length += page;
    return length;
}

int whk_secure_heap_lock(void)
{
    apr_size_t page = (apr_size_t)sysconf(_SC_PAGESIZE);
    apr_size_t block = page;
    char *start;

    if (!mark)
        return 0;
    start = first_byte(page);
    if (mlock(start, length_from(start, page)) == 0)
        return 1;
    /* It halves blocks for what is put there, so what came first lies in one of its own size. */
    while (block < used)
        block *= 2;
    return mlock(start + (apr_size_t)(mark - start) / block * block, block) == 0;
}
