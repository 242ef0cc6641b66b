#include "jose/base64url.h"

static const char alphabet[64] = {'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M',
                                  'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
                                  'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
                                  'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
                                  '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '-', '_'};

#define NO_DIGIT 64u

static unsigned int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned int)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned int)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned int)(c - '0') + 52;
    return c == '-' ? 62 : c == '_' ? 63 : NO_DIGIT;
}

const char *whk_base64url_encode(apr_pool_t *pool, const unsigned char *bytes, apr_size_t length)
{
    char *text = apr_palloc(pool, length / 3 * 4 + 4);
    char *out = text;
    unsigned int bits = 0;
    unsigned int count = 0;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        bits = (bits << 8 | bytes[i]) & 0xFFFF;
        for (count += 8; count >= 6; count -= 6)
            *out++ = alphabet[bits >> (count - 6) & 0x3F];
    }
    if (count > 0)
        *out++ = alphabet[bits << (6 - count) & 0x3F];
    *out = '\0';
    return text;
}

int whk_base64url_decode(apr_pool_t *pool, const char *text, apr_size_t length,
                         unsigned char **bytes, apr_size_t *decoded)
{
    unsigned char *start = apr_palloc(pool, length / 4 * 3 + 4);
    unsigned char *out = start;
    unsigned int bits = 0;
    unsigned int count = 0;
    apr_size_t i;

    for (i = 0; i < length; i++) {
        unsigned int digit = digit_of(text[i]);

        if (digit == NO_DIGIT)
            return 0;
        bits = (bits << 6 | digit) & 0xFFFF;
        count += 6;
        if (count >= 8) {
            count -= 8;
            *out++ = (unsigned char)(bits >> count & 0xFF);
        }
    }
    /* A single character over holds no whole byte; any other rest must be zero bits. */
    if (count == 6 || (bits & ((1u << count) - 1)) != 0)
        return 0;
    *out = '\0';
    *bytes = start;
    *decoded = (apr_size_t)(out - start);
    return 1;
}
