#include "otp/secret_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_encode.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "model/text.h"
#include "otp/secret_key_bytes.h"
#include "otp/secret_memory.h"

#define KEY_LENGTH 32
#define KEY_TEXT_LENGTH 43 /* of KEY_LENGTH bytes in base64url */
#define KEYS_MAX 3
#define MARK_LENGTH 16
#define MARK_TEXT_LENGTH 22 /* of MARK_LENGTH bytes in base64url */
#define FILE_MAX 65536

#define NEXT " next"
#define PREVIOUS " previous"
#define SEALED "sealed "

/* Keeps the keys of our seals apart from whatever else is derived one day (RFC 5869, section 3.2).
 */
#define SEAL_LABEL "webhook-keys seals v1"

typedef enum {
    SEALS,
    OPENS_NEXT,
    OPENS_PREVIOUS
} role_t;

typedef struct {
    role_t role;
    unsigned char *bytes;
    const char *fingerprint;
    EVP_MAC_CTX *mac; /* keyed: each use takes a copy */
} one_key_t;

struct whk_secret_key_t {
    int count;
    one_key_t keys[KEYS_MAX]; /* the one that seals is the first */
    apr_array_header_t *marks;
};

static const char *base64url(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    return apr_pencode_base64_binary(pool, bytes, (apr_ssize_t)length, APR_ENCODE_BASE64URL, NULL);
}

/* ---- one key ---- */

/* Tells keys apart in a sealed secret, and is of no use towards the key. */
static const char *fingerprint_of(apr_pool_t *pool, const unsigned char *key)
{
    static const char label[] = "webhook-keys secret key fingerprint";
    unsigned char labelled[sizeof(label) + KEY_LENGTH];
    unsigned char digest[EVP_MAX_MD_SIZE];
    int done;

    memcpy(labelled, label, sizeof(label));
    memcpy(labelled + sizeof(label), key, KEY_LENGTH);
    done = EVP_Digest(labelled, sizeof(labelled), digest, NULL, EVP_sha256(), NULL);
    OPENSSL_cleanse(labelled, sizeof(labelled));
    return done ? base64url(pool, digest, 8) : NULL;
}

static int derive(const unsigned char *key, unsigned char *derived)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, KEY_LENGTH),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)SEAL_LABEL,
                                          strlen(SEAL_LABEL)),
        OSSL_PARAM_construct_end()};
    int done = context && EVP_KDF_derive(context, derived, KEY_LENGTH, parameters) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done;
}

static apr_status_t free_mac(void *context)
{
    EVP_MAC_CTX_free(context);
    return APR_SUCCESS;
}

static EVP_MAC_CTX *make_mac(apr_pool_t *pool, const unsigned char *key)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end()};
    unsigned char derived[KEY_LENGTH];
    int done = context && derive(key, derived) &&
               EVP_MAC_init(context, derived, KEY_LENGTH, parameters) == 1;

    OPENSSL_cleanse(derived, sizeof(derived));
    EVP_MAC_free(mac);
    if (context)
        apr_pool_cleanup_register(pool, context, free_mac, apr_pool_cleanup_null);
    return done ? context : NULL;
}

/* @return 0 where OpenSSL fails, or there are more keys than there may be */
static int add_key(apr_pool_t *pool, whk_secret_key_t *key, role_t role, const unsigned char *bytes)
{
    one_key_t *made = &key->keys[key->count];

    if (key->count == KEYS_MAX)
        return 0;
    made->role = role;
    made->bytes = whk_secret_alloc(pool, KEY_LENGTH);
    memcpy(made->bytes, bytes, KEY_LENGTH);
    made->fingerprint = fingerprint_of(pool, bytes);
    made->mac = make_mac(pool, bytes);
    if (!made->fingerprint || !made->mac) {
        ERR_clear_error();
        return 0;
    }
    key->count++;
    return 1;
}

static whk_secret_key_t *new_keys(apr_pool_t *pool)
{
    whk_secret_key_t *key = apr_pcalloc(pool, sizeof(*key));

    key->marks = apr_array_make(pool, 1, sizeof(const char *));
    return key;
}

static const one_key_t *find_role(const whk_secret_key_t *key, role_t role)
{
    int i;

    for (i = 0; i < key->count; i++)
        if (key->keys[i].role == role)
            return &key->keys[i];
    return NULL;
}

static const one_key_t *find_key(const whk_secret_key_t *key, const char *fingerprint,
                                 apr_size_t length)
{
    int i;

    for (i = 0; i < key->count; i++)
        if (strlen(key->keys[i].fingerprint) == length &&
            !memcmp(key->keys[i].fingerprint, fingerprint, length))
            return &key->keys[i];
    return NULL;
}

const unsigned char *whk_secret_key_bytes(const whk_secret_key_t *key, const char *fingerprint,
                                          apr_size_t length)
{
    const one_key_t *found = find_key(key, fingerprint, length);

    return found ? found->bytes : NULL;
}

const char *whk_secret_key_fingerprint(const whk_secret_key_t *key)
{
    return key->keys[0].fingerprint;
}

int whk_secret_key_mac(const whk_secret_key_t *key, const char *fingerprint, apr_size_t length,
                       const char *text, apr_size_t text_length, unsigned char mac[WHK_MAC_LENGTH])
{
    const one_key_t *found = find_key(key, fingerprint, length);
    EVP_MAC_CTX *context = found ? EVP_MAC_CTX_dup(found->mac) : NULL;
    size_t written = 0;
    int done = context && EVP_MAC_update(context, (const unsigned char *)text, text_length) == 1 &&
               EVP_MAC_final(context, mac, &written, WHK_MAC_LENGTH) == 1 &&
               written == WHK_MAC_LENGTH;

    EVP_MAC_CTX_free(context);
    if (found && !done)
        ERR_clear_error();
    return done;
}

int whk_secret_key_sealed(const whk_secret_key_t *key, const char *text)
{
    const char *fingerprint = whk_secret_key_fingerprint(key);
    apr_size_t length = strlen(fingerprint);

    return text && !strncmp(text, "v1.", 3) && !strncmp(text + 3, fingerprint, length) &&
           text[3 + length] == '.';
}

/* ---- the key file ---- */

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
           length == KEY_LENGTH &&
           apr_encode_base64_binary(again, decoded, KEY_LENGTH, APR_ENCODE_BASE64URL, NULL) ==
               APR_SUCCESS &&
           CRYPTO_memcmp(again, text, KEY_TEXT_LENGTH) == 0;
    if (good)
        memcpy(bytes, decoded, KEY_LENGTH);
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
    unsigned char bytes[KEY_LENGTH];
    role_t role = SEALS;
    int done;

    if (length > strlen(SEALED) && !memcmp(line, SEALED, strlen(SEALED))) {
        line += strlen(SEALED);
        length -= strlen(SEALED);
        APR_ARRAY_PUSH(key->marks, const char *) = apr_pstrmemdup(pool, line, length);
        return key->count > 0 && is_mark(line, length);
    }
    if (ends_with(line, length, NEXT))
        role = OPENS_NEXT;
    else if (ends_with(line, length, PREVIOUS))
        role = OPENS_PREVIOUS;
    else if (length != KEY_TEXT_LENGTH)
        return 0;
    if ((role == SEALS) != (key->count == 0) || find_role(key, role))
        return 0;
    done = decode_key(line, bytes) && add_key(pool, key, role, bytes);
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
    whk_secret_key_t *key = new_keys(pool);
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
    unsigned char bytes[KEY_LENGTH];
    char text[KEY_TEXT_LENGTH + 1];
    int written;

    if (whk_random(bytes, sizeof(bytes)) != APR_SUCCESS) {
        *flaw = apr_psprintf(pool, "%s was not made: the system gives no random bytes", file);
        return 0;
    }
    apr_encode_base64_binary(text, bytes, KEY_LENGTH, APR_ENCODE_BASE64URL, NULL);
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
        [SEALS] = "", [OPENS_NEXT] = NEXT, [OPENS_PREVIOUS] = PREVIOUS};
    apr_size_t room = (apr_size_t)(key->count + key->marks->nelts + 1) * 64;
    char *text = whk_secret_alloc(pool, room);
    char *end = text;
    int i;

    for (i = 0; i < key->count; i++) {
        apr_encode_base64_binary(end, key->keys[i].bytes, KEY_LENGTH, APR_ENCODE_BASE64URL, NULL);
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

/* ---- changing keys ---- */

int whk_secret_key_has_next(const whk_secret_key_t *key)
{
    return find_role(key, OPENS_NEXT) != NULL;
}

int whk_secret_key_has_previous(const whk_secret_key_t *key)
{
    return find_role(key, OPENS_PREVIOUS) != NULL;
}

static int add_as(apr_pool_t *pool, whk_secret_key_t *made, const whk_secret_key_t *key,
                  role_t from, role_t to)
{
    const one_key_t *one = find_role(key, from);

    return !one || add_key(pool, made, to, one->bytes);
}

const whk_secret_key_t *whk_secret_key_add_next(apr_pool_t *pool, const whk_secret_key_t *key)
{
    whk_secret_key_t *made = new_keys(pool);
    unsigned char bytes[KEY_LENGTH];
    int done = whk_random(bytes, sizeof(bytes)) == APR_SUCCESS &&
               add_as(pool, made, key, SEALS, SEALS) && add_key(pool, made, OPENS_NEXT, bytes) &&
               add_as(pool, made, key, OPENS_PREVIOUS, OPENS_PREVIOUS);

    OPENSSL_cleanse(bytes, sizeof(bytes));
    made->marks = key->marks;
    return done ? made : NULL;
}

const whk_secret_key_t *whk_secret_key_promote(apr_pool_t *pool, const whk_secret_key_t *key)
{
    whk_secret_key_t *made = new_keys(pool);
    int done = add_as(pool, made, key, OPENS_NEXT, SEALS) &&
               add_as(pool, made, key, SEALS, OPENS_PREVIOUS);

    made->marks = key->marks;
    return done ? made : NULL;
}

const whk_secret_key_t *whk_secret_key_drop_previous(apr_pool_t *pool, const whk_secret_key_t *key)
{
    whk_secret_key_t *made = new_keys(pool);
    int done =
        add_as(pool, made, key, SEALS, SEALS) && add_as(pool, made, key, OPENS_NEXT, OPENS_NEXT);

    made->marks = key->marks;
    return done ? made : NULL;
}

/* ---- registries whose rows were sealed ---- */

/* By where it is, as the configuration says: the one thing about it that is not in its hands. */
static const char *mark_of(apr_pool_t *pool, const char *registry)
{
    unsigned char digest[EVP_MAX_MD_SIZE];

    if (!EVP_Digest(registry, strlen(registry), digest, NULL, EVP_sha256(), NULL))
        return NULL;
    return base64url(pool, digest, MARK_LENGTH);
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
