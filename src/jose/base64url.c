/* SPDX-License-Identifier: Apache-2.0 */
#include "jose/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define NO_DIGIT 64

/* What each character stands for, and one more: those that are not named stand for nothing. */
static const unsigned char digits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

static unsigned int digit_of(char c)
{
    unsigned int digit = digits[(unsigned char)c];

    return digit ? digit - 1 : NO_DIGIT;
}

/* One or two bytes: two or three characters. */
static char *encode_rest(char *out, const unsigned char *bytes, apr_size_t length)
{
    unsigned int bits = (unsigned int)bytes[0] << 16 | (length > 1 ? bytes[1] : 0u) << 8;

    *out++ = alphabet[bits >> 18];
    *out++ = alphabet[bits >> 12 & 0x3F];
    if (length > 1)
        *out++ = alphabet[bits >> 6 & 0x3F];
    return out;
}

apr_size_t whk_base64url_put(char *text, const unsigned char *bytes, apr_size_t length)
{
    char *out = text;

    for (; length >= 3; length -= 3, bytes += 3) {
        unsigned int bits = (unsigned int)bytes[0] << 16 | (unsigned int)bytes[1] << 8 | bytes[2];

        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 0x3F];
        *out++ = alphabet[bits >> 6 & 0x3F];
        *out++ = alphabet[bits & 0x3F];
    }
    if (length)
        out = encode_rest(out, bytes, length);
    return (apr_size_t)(out - text);
}

const char *whk_base64url_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    char *text = apr_palloc(pool, whk_base64url_length(length) + 1);

    text[whk_base64url_put(text, bytes, length)] = '\0';
    return text;
}

/* As many whole groups of four characters as there are. @return 0 at a character that is none */
static int decode_groups(unsigned char *out, const char *text, apr_size_t groups)
{
    for (; groups; groups--, text += 4, out += 3) {
        unsigned int a = digit_of(text[0]);
        unsigned int b = digit_of(text[1]);
        unsigned int c = digit_of(text[2]);
        unsigned int d = digit_of(text[3]);

        if ((a | b | c | d) & NO_DIGIT)
            return 0;
        out[0] = (unsigned char)(a << 2 | b >> 4);
        out[1] = (unsigned char)(b << 4 | c >> 2);
        out[2] = (unsigned char)(c << 6 | d);
    }
    return 1;
}

/* Two or three characters: one or two bytes, and the bits that are left over must be zero. A single
 * one holds no whole byte. */
static int decode_rest(unsigned char *out, const char *text, apr_size_t length)
{
    unsigned int a;
    unsigned int b;
    unsigned int c;

    if (length < 2)
        return length == 0;
    a = digit_of(text[0]);
    b = digit_of(text[1]);
    c = length > 2 ? digit_of(text[2]) : 0;
    if (((a | b | c) & NO_DIGIT) || (length > 2 ? c & 0x3 : b & 0xF))
        return 0;
    out[0] = (unsigned char)(a << 2 | b >> 4);
    if (length > 2)
        out[1] = (unsigned char)(b << 4 | c >> 2);
    return 1;
}

int whk_base64url_decode(apr_pool_t *pool, const char *text, apr_size_t length,
                         unsigned char **bytes, apr_size_t *decoded)
{
    apr_size_t groups = length / 4;
    apr_size_t rest = length % 4;
    apr_size_t size = groups * 3 + (rest ? rest - 1 : 0);
    unsigned char *out = apr_palloc(pool, size + 1);

    if (!decode_groups(out, text, groups) ||
        !decode_rest(out + groups * 3, text + groups * 4, rest))
        return 0;
    out[size] = '\0';
    *bytes = out;
    *decoded = size;
    return 1;
}
