/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/secret_key_file.h"

#include <apr_encode.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/random.h"
#include "otp/secret_key_bytes.h"
#include "otp/secret_memory.h"

#define KEY_TEXT_LENGTH 43 /* of WHK_KEY_LENGTH bytes in base64url */
#define MARK_LENGTH 16
#define MARK_TEXT_LENGTH 22 /* of MARK_LENGTH bytes in base64url */
#define FILE_MAX 65536

#define NEXT " next"
#define PREVIOUS " previous"
#define SEALED "sealed "

static const char *file_flaw(apr_pool_t *pool, const char *file, const struct stat *info)
{
    if (!S_ISREG(info->st_mode))
        return apr_psprintf(pool, "%s is not a regular file: name the secret key file itself",
                            file);
    if (info->st_mode & (S_IRWXG | S_IRWXO))
        return apr_psprintf(pool,
                            "%s can be read or changed by others than its owner (mode %04o): run "
                            "chmod 600 %s",
                            file, (unsigned int)info->st_mode & 07777, file);
    if (info->st_size == 0)
        return apr_psprintf(pool,
                            "%s is empty, but must hold %d characters of base64url: restore it "
                            "from a backup, or remove it and make a new one with whkctl init, "
                            "which needs every OTP enrolled anew",
                            file, KEY_TEXT_LENGTH);
    return NULL;
}

static const char *content_flaw(apr_pool_t *pool, const char *file)
{
    return apr_psprintf(
        pool,
        "%s must hold exactly %d characters of base64url in its first line, and in others "
        "what whkctl wrote, but holds something else: restore it from a backup",
        file, KEY_TEXT_LENGTH);
}

static const char *open_flaw(apr_pool_t *pool, const char *file, int error)
{
    if (error == ENOENT)
        return apr_psprintf(pool, "%s does not exist: make it with whkctl -f HTTPD_CONF init",
                            file);
    if (error == EACCES)
        return apr_psprintf(pool, "%s cannot be read by this user: run this as its owner", file);
    return apr_psprintf(pool, "%s cannot be read: %s", file, strerror(error));
}

/* Reads up to `room` bytes. @return how many, or -1 */
static ssize_t read_all(int descriptor, char *buffer, size_t room)
{
    size_t length = 0;
    ssize_t got = 1;

    while (length < room && got != 0) {
        got = read(descriptor, buffer + length, room - length);
        if (got < 0 && errno != EINTR)
            return -1;
        if (got > 0)
            length += (size_t)got;
    }
    return (ssize_t)length;
}

/* @return what is wrong with the file, or NULL with `text` filled */
static const char *read_key_text(apr_pool_t *pool, const char *file, char *text, size_t room,
                                 ssize_t *length)
{
    struct stat info;
    const char *flaw;
    /* Not to hang where the name is that of a FIFO. */
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (descriptor < 0)
        return open_flaw(pool, file, errno);
    if (fstat(descriptor, &info) != 0)
        flaw = open_flaw(pool, file, errno);
    else
        flaw = file_flaw(pool, file, &info);
    if (!flaw) {
        *length = read_all(descriptor, text, room);
        if (*length < 0)
            flaw = open_flaw(pool, file, errno);
    }
    close(descriptor);
    return flaw;
}

/* Strictly: what decodes must be spelled as we would spell it. */
static int decode_key(const char *text, unsigned char *bytes)
{
    unsigned char decoded[KEY_TEXT_LENGTH];
    char again[KEY_TEXT_LENGTH + 1];
    apr_size_t length = 0;
    int good;

    good = apr_decode_base64_binary(decoded, text, KEY_TEXT_LENGTH, APR_ENCODE_BASE64URL,
                                    &length) == APR_SUCCESS &&
           length == WHK_KEY_LENGTH &&
           apr_encode_base64_binary(again, decoded, WHK_KEY_LENGTH, APR_ENCODE_BASE64URL, NULL) ==
               APR_SUCCESS &&
           CRYPTO_memcmp(again, text, KEY_TEXT_LENGTH) == 0;
    if (good)
        memcpy(bytes, decoded, WHK_KEY_LENGTH);
    OPENSSL_cleanse(decoded, sizeof(decoded));
    OPENSSL_cleanse(again, sizeof(again));
    return good;
}

static int is_mark(const char *text, apr_size_t length)
{
    return length == MARK_TEXT_LENGTH &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") >=
               length;
}

static int ends_with(const char *text, apr_size_t length, const char *end)
{
    return length == KEY_TEXT_LENGTH + strlen(end) &&
           !memcmp(text + KEY_TEXT_LENGTH, end, strlen(end));
}

/* @return 0 where it is not what we would have written */
static int read_line(apr_pool_t *pool, whk_secret_key_t *key, const char *line, apr_size_t length)
{
    unsigned char bytes[WHK_KEY_LENGTH];
    whk_key_role_t role = WHK_KEY_CURRENT;
    int done;

    if (length > strlen(SEALED) && !memcmp(line, SEALED, strlen(SEALED))) {
        line += strlen(SEALED);
        length -= strlen(SEALED);
        APR_ARRAY_PUSH(key->marks, const char *) = apr_pstrmemdup(pool, line, length);
        return key->count > 0 && is_mark(line, length);
    }
    if (ends_with(line, length, NEXT))
        role = WHK_KEY_NEXT;
    else if (ends_with(line, length, PREVIOUS))
        role = WHK_KEY_PREVIOUS;
    else if (length != KEY_TEXT_LENGTH)
        return 0;
    if ((role == WHK_KEY_CURRENT) != (key->count == 0) || whk_secret_key_of_role(key, role))
        return 0;
    done = decode_key(line, bytes) && whk_secret_key_add(pool, key, role, bytes);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return done;
}

static int read_lines(apr_pool_t *pool, whk_secret_key_t *key, const char *text, apr_size_t length)
{
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        apr_size_t line = end ? (apr_size_t)(end - text) : length;

        if (!read_line(pool, key, text, line))
            return 0;
        text += line;
        length -= line;
        if (end) {
            text++;
            length--;
        }
    }
    return key->count > 0;
}

const whk_secret_key_t *whk_secret_key_load(apr_pool_t *pool, const char *file, const char **flaw)
{
    apr_pool_t *scratch;
    char *text;
    whk_secret_key_t *key = whk_secret_key_make(pool);
    ssize_t length = 0;

    apr_pool_create(&scratch, pool);
    text = whk_secret_alloc(scratch, FILE_MAX);
    *flaw = read_key_text(pool, file, text, FILE_MAX, &length);
    if (!*flaw && (length == FILE_MAX || !read_lines(pool, key, text, (apr_size_t)length)))
        *flaw = content_flaw(pool, file);
    apr_pool_destroy(scratch);
    return *flaw ? NULL : key;
}

static int write_all(int descriptor, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, text, length);

        if (written < 0 && errno != EINTR)
            return 0;
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        }
    }
    return fsync(descriptor) == 0;
}

static int write_key_file(const char *file, const char *text, size_t length)
{
    int descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int error;

    if (descriptor < 0)
        return 0;
    if (write_all(descriptor, text, length) && close(descriptor) == 0)
        return 1;
    error = errno;
    unlink(file);
    errno = error;
    return 0;
}

int whk_secret_key_create(apr_pool_t *pool, const char *file, const char **flaw)
{
    unsigned char bytes[WHK_KEY_LENGTH];
    char text[KEY_TEXT_LENGTH + 1];
    int written;

    if (whk_random(bytes, sizeof(bytes)) != APR_SUCCESS) {
        *flaw = apr_psprintf(pool, "%s was not made: the system gives no random bytes", file);
        return 0;
    }
    apr_encode_base64_binary(text, bytes, WHK_KEY_LENGTH, APR_ENCODE_BASE64URL, NULL);
    text[KEY_TEXT_LENGTH] = '\n';
    written = write_key_file(file, text, sizeof(text));
    if (!written)
        *flaw = apr_psprintf(pool, "%s could not be made: %s", file,
                             errno == EEXIST ? "it exists already, and is never overwritten"
                                             : strerror(errno));
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(text, sizeof(text));
    return written;
}

/* The file's text; its memory is wiped with the pool. */
static char *text_of(apr_pool_t *pool, const whk_secret_key_t *key)
{
    static const char *const words[] = {
        [WHK_KEY_CURRENT] = "", [WHK_KEY_NEXT] = NEXT, [WHK_KEY_PREVIOUS] = PREVIOUS};
    apr_size_t room = (apr_size_t)(key->count + key->marks->nelts + 1) * 64;
    char *text = whk_secret_alloc(pool, room);
    char *end = text;
    int i;

    for (i = 0; i < key->count; i++) {
        apr_encode_base64_binary(end, key->keys[i].bytes, WHK_KEY_LENGTH, APR_ENCODE_BASE64URL,
                                 NULL);
        end += KEY_TEXT_LENGTH;
        end += sprintf(end, "%s\n", words[key->keys[i].role]);
    }
    for (i = 0; i < key->marks->nelts; i++)
        end += sprintf(end, SEALED "%s\n", APR_ARRAY_IDX(key->marks, i, const char *));
    return text;
}

static int sync_folder(const char *file)
{
    char *folder = strdup(file);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    int descriptor = -1;
    int done;

    if (slash)
        slash[slash == folder] = '\0';
    if (folder)
        descriptor = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    done = descriptor >= 0 && fsync(descriptor) == 0;
    if (descriptor >= 0)
        close(descriptor);
    free(folder);
    return done;
}

/* @return 0 with errno; what was half made is gone then */
static int write_replacement(const char *file, const struct stat *old, const char *text)
{
    int descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int done, error;

    if (descriptor < 0)
        return 0;
    done = (old->st_uid == geteuid() || fchown(descriptor, old->st_uid, old->st_gid) == 0) &&
           fchmod(descriptor, old->st_mode & 0700) == 0 &&
           write_all(descriptor, text, strlen(text));
    error = errno;
    done &= close(descriptor) == 0;
    if (!done) {
        unlink(file);
        errno = error;
    }
    return done;
}

int whk_secret_key_write(apr_pool_t *pool, const whk_secret_key_t *key, const char *file,
                         const char **flaw)
{
    const char *beside = apr_pstrcat(pool, file, ".new", NULL);
    apr_pool_t *scratch;
    struct stat old;
    int done;

    apr_pool_create(&scratch, pool);
    /* One that was killed on its way may have left it. */
    unlink(beside);
    done = stat(file, &old) == 0 && write_replacement(beside, &old, text_of(scratch, key)) &&
           rename(beside, file) == 0 && sync_folder(file);
    if (!done) {
        *flaw = apr_psprintf(pool, "%s could not be replaced: %s", file, strerror(errno));
        unlink(beside);
    }
    apr_pool_destroy(scratch);
    return done;
}

/* ---- registries whose rows were sealed ---- */

/* By where it is, as the configuration says: the one thing about it that is not in its hands. */
static const char *mark_of(apr_pool_t *pool, const char *registry)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (!EVP_Digest(registry, strlen(registry), digest, NULL, EVP_sha256(), NULL))
        return NULL;
    return apr_pencode_base64_binary(pool, digest, MARK_LENGTH, APR_ENCODE_BASE64URL, NULL);
}

int whk_secret_key_has_mark(apr_pool_t *pool, const whk_secret_key_t *key, const char *registry)
{
    const char *mark = mark_of(pool, registry);
    int i;

    for (i = 0; mark && i < key->marks->nelts; i++)
        if (!strcmp(APR_ARRAY_IDX(key->marks, i, const char *), mark))
            return 1;
    return 0;
}

int whk_secret_key_marks(const whk_secret_key_t *key)
{
    return key->marks->nelts;
}

int whk_secret_key_open_marks(const char *file)
{
    return open(file, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY);
}

int whk_secret_key_mark(apr_pool_t *pool, int descriptor, const char *registry)
{
    const char *mark = mark_of(pool, registry);
    const char *line;
    struct stat info;
    char last = '\n';

    if (!mark || fstat(descriptor, &info) != 0)
        return 0;
    /* A file that somebody wrote by hand may lack its last line feed. */
    if (info.st_size > 0 && pread(descriptor, &last, 1, info.st_size - 1) != 1)
        return 0;
    line = apr_pstrcat(pool, last == '\n' ? "" : "\n", SEALED, mark, "\n", NULL);
    return write_all(descriptor, line, strlen(line));
}
