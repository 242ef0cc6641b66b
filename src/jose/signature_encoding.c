/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/signature_encoding.h"

#include <openssl/ecdsa.h>
#include <string.h>

/* The order of an ECDSA curve, and how many bytes r and s have. */
typedef struct {
    whk_algorithm_t algorithm;
    apr_size_t length;
    const char *order;
} group_t;

static const group_t groups[] = {
    {WHK_ALG_ES256, 32,
     "\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD\xA7\x17"
     "\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51"},
    {WHK_ALG_ES384, 48,
     "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
     "\xFF\xFF\xC7\x63\x4D\x81\xF4\x37\x2D\xDF\x58\x1A\x0D\xB2\x48\xB0\xA7\x7A\xEC\xEC\x19\x6A"
     "\xCC\xC5\x29\x73"},
    {WHK_ALG_ES512, 66,
     "\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
     "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFA\x51\x86\x87\x83\xBF\x2F\x96\x6B\x7F\xCC"
     "\x01\x48\xF7\x09\xA5\xD0\x3B\xB5\xC9\xB8\x89\x9C\x47\xAE\xBB\x6F\xB7\x1E\x91\x38\x64\x09"},
    {WHK_ALG_ES256K, 32,
     "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE\xBA\xAE\xDC\xE6\xAF\x48"
     "\xA0\x3B\xBF\xD2\x5E\x8C\xD0\x36\x41\x41"},
};

/* Every y, least byte first and without the sign of x, of a point whose order divides the cofactor:
 * also those that are not less than the field's prime and so should not be written. */
static const char *const ed25519_small[] = {
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    "\x26\xE8\x95\x8F\xC2\xB2\x27\xB0\x45\xC3\xF4\x89\xF2\xEF\x98\xF0\xD5\xDF\xAC\x05\xD3\xC6"
    "\x33\x39\xB1\x38\x02\x88\x6D\x53\xFC\x05",
    "\xC7\x17\x6A\x70\x3D\x4D\xD8\x4F\xBA\x3C\x0B\x76\x0D\x10\x67\x0F\x2A\x20\x53\xFA\x2C\x39"
    "\xCC\xC6\x4E\xC7\xFD\x77\x92\xAC\x03\x7A",
    "\xEC\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
    "\xED\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
    "\xEE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
};

static const char *const ed448_small[] = {
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00",
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00",
    "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x00",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const group_t *group_of(whk_algorithm_t algorithm)
{
    apr_size_t i;

    for (i = 0; i < COUNT(groups); i++)
        if (groups[i].algorithm == algorithm)
            return &groups[i];
    return NULL;
}

apr_size_t whk_signature_encoding_length(whk_algorithm_t algorithm, int pkey_size)
{
    const group_t *group = group_of(algorithm);

    return group ? 2 * group->length : (apr_size_t)pkey_size;
}

static int is_in_range(const group_t *group, const unsigned char *number)
{
    static const unsigned char zero[66];

    return memcmp(number, zero, group->length) != 0 &&
           memcmp(number, group->order, group->length) < 0;
}

/* X.690: an INTEGER is as short as can be, and its first bit is its sign. */
static unsigned char *put_integer(unsigned char *out, const unsigned char *number,
                                  apr_size_t length)
{
    apr_size_t pad;

    for (; *number == 0; number++)
        length--;
    pad = *number >> 7;
    *out++ = 0x02;
    *out++ = (unsigned char)(length + pad);
    if (pad)
        *out++ = 0;
    memcpy(out, number, length);
    return out + length;
}

apr_size_t whk_signature_encoding_der(whk_algorithm_t algorithm, const unsigned char *signature,
                                      apr_size_t length, unsigned char der[WHK_ECDSA_DER_MAX])
{
    const group_t *group = group_of(algorithm);
    unsigned char integers[WHK_ECDSA_DER_MAX];
    unsigned char *end;
    apr_size_t size;

    if (!group || length != 2 * group->length || !is_in_range(group, signature) ||
        !is_in_range(group, signature + group->length))
        return 0;
    end = put_integer(integers, signature, group->length);
    end = put_integer(end, signature + group->length, group->length);
    size = (apr_size_t)(end - integers);
    *der++ = 0x30;
    if (size > 0x7F)
        *der++ = 0x81;
    *der++ = (unsigned char)size;
    memcpy(der, integers, size);
    return size + (size > 0x7F ? 3 : 2);
}

apr_size_t whk_signature_encoding_fixed(whk_algorithm_t algorithm, const unsigned char *der,
                                        apr_size_t length, unsigned char *signature)
{
    const group_t *group = group_of(algorithm);
    ECDSA_SIG *read = group ? d2i_ECDSA_SIG(NULL, &der, (long)length) : NULL;
    int width = group ? (int)group->length : 0;
    int is_written = read && BN_bn2binpad(ECDSA_SIG_get0_r(read), signature, width) == width &&
                     BN_bn2binpad(ECDSA_SIG_get0_s(read), signature + width, width) == width;

    ECDSA_SIG_free(read);
    return is_written ? 2 * group->length : 0;
}

static int is_listed(const unsigned char *point, apr_size_t length, const char *const *list,
                     apr_size_t count)
{
    unsigned char y[57];
    apr_size_t i;

    memcpy(y, point, length);
    y[length - 1] &= 0x7F;
    for (i = 0; i < count; i++)
        if (memcmp(y, list[i], length) == 0)
            return 1;
    return 0;
}

int whk_signature_has_small_order_r(whk_algorithm_t algorithm, const unsigned char *signature)
{
    if (algorithm == WHK_ALG_ED448)
        return is_listed(signature, 57, ed448_small, COUNT(ed448_small));
    return is_listed(signature, 32, ed25519_small, COUNT(ed25519_small));
}
