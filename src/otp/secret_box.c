#include "otp/secret_box.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_encode.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "model/text.h"

#define VERSION "v1"
#define KEY_LENGTH 32
#define KEY_TEXT_LENGTH 43 /* of KEY_LENGTH bytes in base64url */
#define NONCE_LENGTH 12    /* NIST SP 800-38D, section 5.2.1.1: the length that needs no hashing */
#define TAG_LENGTH 16

struct whk_secret_key_t {
    unsigned char bytes[KEY_LENGTH];
    const char *fingerprint;
};

typedef struct {
    void *bytes;
    apr_size_t length;
} wiped_t;

static apr_status_t wipe(void *baton)
{
    wiped_t *wiped = baton;

    OPENSSL_cleanse(wiped->bytes, wiped->length);
    return APR_SUCCESS;
}

/* Memory for a secret: wiped when the pool goes. */
static void *secret_alloc(apr_pool_t *pool, apr_size_t length)
{
    wiped_t *wiped = apr_palloc(pool, sizeof(*wiped));

    wiped->length = length;
    wiped->bytes = apr_pcalloc(pool, length ? length : 1);
    apr_pool_cleanup_register(pool, wiped, wipe, apr_pool_cleanup_null);
    return wiped->bytes;
}

static apr_status_t free_context(void *context)
{
    EVP_CIPHER_CTX_free(context);
    return APR_SUCCESS;
}

static EVP_CIPHER_CTX *new_context(apr_pool_t *pool)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    if (context)
        apr_pool_cleanup_register(pool, context, free_context, apr_pool_cleanup_null);
    return context;
}

static const char *base64url(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    return apr_pencode_base64_binary(pool, bytes, (apr_ssize_t)length, APR_ENCODE_BASE64URL, NULL);
}

/* ---- the key file ---- */

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
    return apr_psprintf(pool,
                        "%s must hold exactly %d characters of base64url and a newline, as whkctl "
                        "init writes it, but holds something else: restore it from a backup",
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

const whk_secret_key_t *whk_secret_key_load(apr_pool_t *pool, const char *file, const char **flaw)
{
    char text[KEY_TEXT_LENGTH + 2]; /* room to see that the file is too long */
    whk_secret_key_t *key = secret_alloc(pool, sizeof(*key));
    ssize_t length = 0;

    *flaw = read_key_text(pool, file, text, sizeof(text), &length);
    if (!*flaw) {
        if (length == KEY_TEXT_LENGTH + 1 && text[KEY_TEXT_LENGTH] == '\n')
            length--;
        if (length != KEY_TEXT_LENGTH || !decode_key(text, key->bytes))
            *flaw = content_flaw(pool, file);
    }
    OPENSSL_cleanse(text, sizeof(text));
    if (*flaw)
        return NULL;
    key->fingerprint = fingerprint_of(pool, key->bytes);
    if (!key->fingerprint) {
        ERR_clear_error();
        *flaw = "OpenSSL has no SHA-256 to give: check its configuration";
        return NULL;
    }
    return key;
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

/* ---- sealed secrets ---- */

/* Each value with its length before it, so that no two sets of values give the same bytes. */
static const char *associated_data(apr_pool_t *pool, const char *user, const whk_totp_t *totp)
{
    return apr_psprintf(pool, VERSION " %" APR_SIZE_T_FMT ":%s %" APR_SIZE_T_FMT ":%s %d %d",
                        strlen(user), user, strlen(totp->algorithm), totp->algorithm, totp->digits,
                        totp->period);
}

/* The box is nonce, ciphertext and tag, one after another. */
static int encrypt(EVP_CIPHER_CTX *context, const whk_secret_key_t *key, const char *bound,
                   const unsigned char *secret, apr_size_t length, unsigned char *box)
{
    unsigned char *text = box + NONCE_LENGTH;
    int size;

    return EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), key->bytes, box, NULL) &&
           EVP_EncryptUpdate(context, NULL, &size, (const unsigned char *)bound,
                             (int)strlen(bound)) &&
           EVP_EncryptUpdate(context, text, &size, secret, (int)length) &&
           EVP_EncryptFinal_ex(context, text + length, &size) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_LENGTH, text + length);
}

const char *whk_secret_seal(apr_pool_t *pool, const whk_secret_key_t *key, const char *user,
                            const whk_totp_t *totp, const unsigned char *secret, apr_size_t length)
{
    apr_size_t box_length = NONCE_LENGTH + length + TAG_LENGTH;
    EVP_CIPHER_CTX *context = new_context(pool);
    unsigned char *box;

    if (!context || length > 1024)
        return NULL;
    box = apr_palloc(pool, box_length);
    if (whk_random(box, NONCE_LENGTH) != APR_SUCCESS)
        return NULL;
    if (!encrypt(context, key, associated_data(pool, user, totp), secret, length, box)) {
        ERR_clear_error();
        return NULL;
    }
    return apr_pstrcat(pool, VERSION ".", key->fingerprint, ".", base64url(pool, box, box_length),
                       NULL);
}

static int decrypt(EVP_CIPHER_CTX *context, const whk_secret_key_t *key, const char *bound,
                   const unsigned char *box, apr_size_t length, unsigned char *secret)
{
    const unsigned char *text = box + NONCE_LENGTH;
    int size;

    return EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), key->bytes, box, NULL) &&
           EVP_DecryptUpdate(context, NULL, &size, (const unsigned char *)bound,
                             (int)strlen(bound)) &&
           EVP_DecryptUpdate(context, secret, &size, text, (int)length) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_LENGTH,
                               (void *)(text + length)) &&
           EVP_DecryptFinal_ex(context, secret + length, &size);
}

/* @return the box's bytes, or NULL with `flaw` set */
static const unsigned char *unwrap(apr_pool_t *pool, const whk_secret_key_t *key,
                                   const char *sealed, apr_size_t *length, const char **flaw)
{
    const unsigned char *box;
    const char *encoded;

    *flaw = "the sealed secret is not in the form that this version writes: restore its row, or "
            "enrol the user anew";
    if (strncmp(sealed, VERSION ".", strlen(VERSION ".")) != 0)
        return NULL;
    sealed += strlen(VERSION ".");
    encoded = strchr(sealed, '.');
    if (!encoded)
        return NULL;
    if (strncmp(sealed, key->fingerprint, (size_t)(encoded - sealed)) != 0 ||
        key->fingerprint[encoded - sealed] != '\0') {
        *flaw = "the secret was sealed with another key than the one in the secret key file: put "
                "that key file back, or enrol the user anew";
        return NULL;
    }
    encoded++;
    box = apr_pdecode_base64_binary(pool, encoded, APR_ENCODE_STRING, APR_ENCODE_BASE64URL, length);
    if (!box || *length < NONCE_LENGTH + TAG_LENGTH ||
        strcmp(base64url(pool, box, *length), encoded) != 0)
        return NULL;
    *length -= NONCE_LENGTH + TAG_LENGTH;
    return box;
}

int whk_secret_open(apr_pool_t *pool, const whk_secret_key_t *key, const char *user,
                    const whk_totp_t *totp, const char *sealed, const unsigned char **secret,
                    apr_size_t *length, const char **flaw)
{
    apr_size_t opened_length;
    const unsigned char *box = unwrap(pool, key, sealed, &opened_length, flaw);
    EVP_CIPHER_CTX *context;
    unsigned char *opened;

    if (!box)
        return 0;
    context = new_context(pool);
    opened = secret_alloc(pool, opened_length);
    if (!context ||
        !decrypt(context, key, associated_data(pool, user, totp), box, opened_length, opened)) {
        ERR_clear_error();
        *flaw = "the sealed secret does not open: its row was changed, or is another user's; "
                "restore it, or enrol the user anew";
        return 0;
    }
    *secret = opened;
    *length = opened_length;
    return 1;
}
