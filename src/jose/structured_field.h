#ifndef WHK_JOSE_STRUCTURED_FIELD_H
#define WHK_JOSE_STRUCTURED_FIELD_H

/**
 * @file jose/structured_field.h
 * Structured fields (RFC 8941), as much of them as RFC 9421 and RFC 9530 need: dictionaries whose
 * members are items or inner lists. Decimals are not read: neither has any.
 */

#include <apr_pools.h>
#include <apr_tables.h>

typedef enum {
    WHK_SF_INTEGER,
    WHK_SF_STRING,
    WHK_SF_TOKEN,
    WHK_SF_BYTES,
    WHK_SF_BOOLEAN
} whk_sf_type_t;

/** A bare item. */
typedef struct whk_sf_value_t {
    whk_sf_type_t type;
    apr_int64_t number; /**< of an integer; 0 or 1 of a boolean */
    const char *text;   /**< of a string or token, or the decoded bytes */
    apr_size_t length;
} whk_sf_value_t;

typedef struct whk_sf_parameter_t {
    const char *name;
    whk_sf_value_t value;
} whk_sf_parameter_t;

typedef struct whk_sf_item_t {
    whk_sf_value_t value;
    apr_array_header_t *parameters; /**< of whk_sf_parameter_t, each name once */
} whk_sf_item_t;

typedef struct whk_sf_member_t {
    const char *name;
    apr_array_header_t *list;       /**< of whk_sf_item_t; NULL: the member is an item */
    whk_sf_value_t value;           /**< of an item */
    apr_array_header_t *parameters; /**< of either */
} whk_sf_member_t;

/**
 * Parse a dictionary (RFC 8941, section 4.2.2), but for names that come twice, which are refused.
 * @return an array of whk_sf_member_t, or NULL
 */
apr_array_header_t *whk_sf_dictionary(const char *text, apr_pool_t *pool);

/** The parameter of a name, or NULL. */
const whk_sf_value_t *whk_sf_parameter(const apr_array_header_t *parameters, const char *name);

/** Serialise an item with its parameters (section 4.1.3). */
const char *whk_sf_item_text(const whk_sf_item_t *item, apr_pool_t *pool);

/** Serialise an inner list with its parameters (section 4.1.1.1). */
const char *whk_sf_list_text(const whk_sf_member_t *member, apr_pool_t *pool);

/** Decode standard base64 with its padding, canonical. 0: it is not. */
int whk_sf_base64(const char *text, apr_size_t length, whk_sf_value_t *bytes, apr_pool_t *pool);

#endif
