/* SPDX-License-Identifier: Apache-2.0 */
#include "otp/secret_key.h"

#include <openssl/err.h>
#include <string.h>

#include "otp/secret_key_bytes.h"

const char *whk_secret_key_fingerprint(const whk_secret_key_t *key)
{
    return key->keys[0].fingerprint;
}

int whk_secret_key_mac(const whk_secret_key_t *key, const char *fingerprint, apr_size_t length,
                       const char *text, apr_size_t text_length, unsigned char mac[WHK_MAC_LENGTH])
{
    const whk_secret_key_entry_t *found = whk_secret_key_find(key, fingerprint, length);
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

int whk_secret_key_is_current(const whk_secret_key_t *key, const char *text)
{
    const char *fingerprint = whk_secret_key_fingerprint(key);
    apr_size_t length = strlen(fingerprint);

    return text && !strncmp(text, "v1.", 3) && !strncmp(text + 3, fingerprint, length) &&
           text[3 + length] == '.';
}
