/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/private_key_file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Much more than an RSA key of 8192 bits takes. */
#define FILE_MOST 65536

static const char *open_flaw(const char *file, int error, apr_pool_t *pool)
{
    if (error == ENOENT)
        return apr_psprintf(pool,
                            "%s does not exist: make a key with openssl genpkey -algorithm "
                            "ED25519 -out %s",
                            file, file);
    if (error == ELOOP)
        return apr_psprintf(pool, "%s is a symbolic link: name the file that it leads to", file);
    if (error == EACCES)
        return apr_psprintf(pool, "%s cannot be read by the user that starts httpd", file);
    return apr_psprintf(pool, "%s cannot be read: %s", file, strerror(error));
}

static const char *file_flaw(const char *file, const struct stat *info, apr_pool_t *pool)
{
    if (!S_ISREG(info->st_mode))
        return apr_psprintf(pool, "%s is not a regular file: name the file of a private key", file);
    if (info->st_mode & (S_IRWXG | S_IRWXO))
        return apr_psprintf(pool,
                            "%s can be read or changed by others than its owner (mode %04o): run "
                            "chmod 600 %s",
                            file, (unsigned int)info->st_mode & 07777, file);
    if (info->st_uid != geteuid() && info->st_uid != 0)
        return apr_psprintf(pool,
                            "%s belongs to another user than the one that starts httpd: run chown "
                            "root %s",
                            file, file);
    if (info->st_size >= FILE_MOST)
        return apr_psprintf(pool, "%s must be the file of one private key, of less than %d bytes",
                            file, FILE_MOST);
    return NULL;
}

/* @return bytes that were read, or -1 with errno */
static ssize_t read_whole(int descriptor, char *text, size_t room)
{
    size_t length = 0;
    ssize_t got = 1;

    while (length < room && got != 0) {
        got = read(descriptor, text + length, room - length);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0)
            length += (size_t)got;
    }
    return (ssize_t)length;
}

static const char *parse(const whk_private_key_t **key, const char *kid, const char *file,
                         int descriptor, apr_pool_t *pool)
{
    char *text = OPENSSL_malloc(FILE_MOST);
    const char *flaw;
    ssize_t length;

    if (!text)
        return apr_psprintf(pool, "%s cannot be read: out of memory", file);
    length = read_whole(descriptor, text, FILE_MOST);
    if (length < 0) {
        flaw = open_flaw(file, errno, pool);
    } else {
        flaw = whk_private_key_parse(key, kid, text, (apr_size_t)length, pool);
        if (flaw)
            flaw = apr_pstrcat(pool, file, " ", flaw, NULL);
    }
    OPENSSL_clear_free(text, FILE_MOST);
    return flaw;
}

const char *whk_private_key_file_read(const whk_private_key_t **key, const char *kid,
                                      const char *file, apr_pool_t *pool)
{
    struct stat info;
    const char *flaw;
    /* Not to hang where the name is that of a FIFO. */
    int descriptor = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (descriptor < 0)
        return open_flaw(file, errno, pool);
    if (fstat(descriptor, &info) != 0)
        flaw = open_flaw(file, errno, pool);
    else
        flaw = file_flaw(file, &info, pool);
    if (!flaw)
        flaw = parse(key, kid, file, descriptor, pool);
    close(descriptor);
    return flaw;
}
