/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHK_OTP_SECRET_KEY_H
#define WHK_OTP_SECRET_KEY_H

/**
 * @file otp/secret_key.h
 * The secret key file, which lies beside the store and never in it: the keys of what is sealed.
 *
 * Its first line is a key, 32 random bytes as 43 characters of base64url: the key that seals. While
 * keys are changed (`whkctl secret rotate`) a line `<43 characters> next` holds one that is known
 * but does not seal yet, or a line `<43 characters> previous` one that seals no longer. Each of
 * them opens. A line `sealed <22 characters>` says of a registry that its rows were sealed once, so
 * that no rows without a seal are to be taken for good there again.
 */

#include <apr_pools.h>

/** The keys of a file. Never changed once it is made, so threads may share it. */
typedef struct whk_secret_key_t whk_secret_key_t;

/** Bytes of a key of whk_secret_key_mac()'s answer. */
#define WHK_MAC_LENGTH 32

/**
 * Read a key file. It must be a regular file that nobody but its owner can read or write.
 * @param flaw set on failure to a sentence that names the file, what is wrong and what would be
 * right
 * @return the keys (wiped when `pool` goes), or NULL
 */
const whk_secret_key_t *whk_secret_key_load(apr_pool_t *pool, const char *file, const char **flaw);

/** Make a key file, mode 0600; never overwrites. @return 1, or 0 with `flaw` set. */
int whk_secret_key_create(apr_pool_t *pool, const char *file, const char **flaw);

/** Put these keys in the place of a key file, whose owner, group and mode stay: all of it or
 *  nothing, and durably. One at a time: see to it. @return 1, or 0 with `flaw` set. */
int whk_secret_key_write(apr_pool_t *pool, const whk_secret_key_t *key, const char *file,
                         const char **flaw);

/** Tells the key that seals from others, and is of no use towards it. */
const char *whk_secret_key_fingerprint(const whk_secret_key_t *key);

/**
 * HMAC-SHA256 under a key that is derived (HKDF, RFC 5869) from one of the file's.
 * @param fingerprint whose; not NUL-terminated
 * @return 1, or 0 where the file has no such key (or OpenSSL fails)
 */
int whk_secret_key_mac(const whk_secret_key_t *key, const char *fingerprint, apr_size_t length,
                       const char *text, apr_size_t text_length, unsigned char mac[WHK_MAC_LENGTH]);

/** True where a text of the form `v1.<fingerprint>.…` was sealed by the key that seals now. */
int whk_secret_key_sealed(const whk_secret_key_t *key, const char *text);

/* ---- changing keys; each answer is made anew and lives in `pool` ---- */

int whk_secret_key_has_next(const whk_secret_key_t *key);
int whk_secret_key_has_previous(const whk_secret_key_t *key);

/** With a fresh key as next, where it has none; NULL: no random bytes are to be had. */
const whk_secret_key_t *whk_secret_key_add_next(apr_pool_t *pool, const whk_secret_key_t *key);

/** Its next key seals, and the one that sealed becomes the previous. */
const whk_secret_key_t *whk_secret_key_promote(apr_pool_t *pool, const whk_secret_key_t *key);

/** Without the previous key. */
const whk_secret_key_t *whk_secret_key_drop_previous(apr_pool_t *pool, const whk_secret_key_t *key);

/* ---- registries whose rows were sealed ---- */

/** True where the file says of this registry (its DBDParams) that its rows were sealed. */
int whk_secret_key_has_mark(apr_pool_t *pool, const whk_secret_key_t *key, const char *registry);

/** Of how many registries the file says so. */
int whk_secret_key_marks(const whk_secret_key_t *key);

/** Open a key file for whk_secret_key_mark(), while we may still do so. @return -1: errno */
int whk_secret_key_open_marks(const char *file);

/** Say of a registry that its rows were sealed. @return 1, or 0 with errno */
int whk_secret_key_mark(apr_pool_t *pool, int descriptor, const char *registry);

#endif
