/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/** Structured field values (RFC 8941), as far as RFC 9421 and RFC 9530 need them: dictionaries,
 * inner lists, items and their parameters, read and written.
 *
 * Where RFC 8941 is lenient, this is not: a key that is repeated is refused, instead of the last
 * one winning, and base64 must be padded and canonical. Whoever signs and whoever verifies might
 * else take a different value for the one that counts. */

#include <apr_pools.h>
#include <apr_tables.h>

/** How many members a dictionary or list, and how many parameters an item, may have. */
#define WHK_SF_COUNT_MAX 64

/** How many values all of it may have: members, their items and parameters. A value takes more
 * memory than the two bytes of text that it needs at least. */
#define WHK_SF_VALUES_MAX 512

typedef enum {
    WHK_SF_INTEGER,
    WHK_SF_DECIMAL,
    WHK_SF_STRING,
    WHK_SF_TOKEN,
    WHK_SF_BYTES,
    WHK_SF_BOOLEAN,
    WHK_SF_INNER_LIST
} whk_sf_type_t;

typedef struct whk_sf_item_t {
    whk_sf_type_t type;
    apr_int64_t number; /**< an integer, thousandths of a decimal, or 0 and 1 */
    const char *text;   /**< a string or token; ASCII */
    const unsigned char *bytes;
    apr_size_t length;                    /**< of `bytes` */
    const apr_array_header_t *members;    /**< of an inner list: whk_sf_item_t; else NULL */
    const apr_array_header_t *parameters; /**< whk_sf_pair_t; never NULL */
} whk_sf_item_t;

/** A parameter, or a member of a dictionary. */
typedef struct whk_sf_pair_t {
    const char *key;
    whk_sf_item_t value;
} whk_sf_pair_t;

/** Read a dictionary.
 * @param members set on success: an array of whk_sf_pair_t
 * @return 0: it was read; else where it is wrong, counted from 1 */
apr_size_t whk_sf_parse_dictionary(const apr_array_header_t **members, const char *text,
                                   apr_pool_t *pool);

/** The value of a key among members or parameters; NULL: there is none. */
const whk_sf_item_t *whk_sf_find(const apr_array_header_t *pairs, const char *key);

/** Write an item or inner list with its parameters, in the one way that RFC 8941 has for it. */
const char *whk_sf_serialize(const whk_sf_item_t *item, apr_pool_t *pool);
