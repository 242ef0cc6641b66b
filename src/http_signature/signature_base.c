/* SPDX-License-Identifier: Apache-2.0 */
#include "http_signature/signature_base.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "http_signature/field_value.h"
#include "http_signature/query_parameter.h"
#include "jose/base64.h"

#define NAME_MAX_SEEN 64

/* What components share: each is read once, however many ask for a part of it. */
typedef struct {
    apr_hash_t *dictionaries; /* arrays of whk_sf_pair_t by the field's name */
    apr_hash_t *query;        /* NULL: not read yet */
} shared_t;

typedef struct {
    const whk_message_t *message;
    const whk_sf_item_t *item; /* the component's identifier: a string, perhaps with parameters */
    shared_t *shared;
    apr_pool_t *pool;
} component_t;

/* What is read of one message and, by the parameter req, of the request that it answers. */
typedef struct {
    shared_t own;
    shared_t of_request;
    apr_size_t room; /* for so many more bytes */
} reading_t;

typedef const whk_outcome_t *derive_t(const char **value, const component_t *component);

static int is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("!#$%&'*+-.^_`|~", c);
}

/* A field's name in lower case, or that of a derived component. */
static int is_name(const char *name)
{
    const char *c = name + (*name == '@');
    const char *start = c;

    while (*c && is_name_char(*c))
        c++;
    return c > start && !*c;
}

static const char *seen(const component_t *component)
{
    const char *name = component->item->text;

    return is_name(name) && strlen(name) <= NAME_MAX_SEEN ? name : "that it names";
}

static const whk_outcome_t *refuse(const component_t *component, const char *why)
{
    return whk_refuse(component->pool, WHK_MALFORMED_JWS, "the component %s of Signature-Input %s",
                      seen(component), why);
}

static const whk_outcome_t *derive_method(const char **value, const component_t *component)
{
    *value = component->message->method;
    return NULL;
}

static const whk_outcome_t *derive_scheme(const char **value, const component_t *component)
{
    *value = component->message->scheme;
    return NULL;
}

static const whk_outcome_t *derive_authority(const char **value, const component_t *component)
{
    *value = component->message->authority;
    return NULL;
}

static const whk_outcome_t *derive_request_target(const char **value, const component_t *component)
{
    *value = component->message->target;
    return NULL;
}

static const whk_outcome_t *derive_status(const char **value, const component_t *component)
{
    *value = apr_psprintf(component->pool, "%03d", component->message->status);
    return NULL;
}

static const whk_outcome_t *check_origin_form(const component_t *component)
{
    if (*component->message->target == '/')
        return NULL;
    return refuse(component, "is not in this request, whose target is no path");
}

static const whk_outcome_t *derive_target_uri(const char **value, const component_t *component)
{
    const whk_message_t *message = component->message;

    WHK_TRY(check_origin_form(component));
    *value = apr_pstrcat(component->pool, message->scheme, "://", message->authority,
                         message->target, NULL);
    return NULL;
}

static const whk_outcome_t *derive_path(const char **value, const component_t *component)
{
    const char *target = component->message->target;

    WHK_TRY(check_origin_form(component));
    *value = apr_pstrndup(component->pool, target, strcspn(target, "?"));
    return NULL;
}

/* Without a query it is the question mark alone: one that is empty is the same. */
static const whk_outcome_t *derive_query(const char **value, const component_t *component)
{
    const char *query = strchr(component->message->target, '?');

    WHK_TRY(check_origin_form(component));
    *value = query ? query : "?";
    return NULL;
}

static apr_hash_t *query_parameters(const component_t *component)
{
    const char *query = strchr(component->message->target, '?');
    shared_t *shared = component->shared;

    if (!shared->query)
        shared->query = whk_query_parameters(query ? query + 1 : "", component->pool);
    return shared->query;
}

static const whk_outcome_t *derive_query_param(const char **value, const component_t *component)
{
    const whk_sf_item_t *name = whk_sf_find(component->item->parameters, "name");
    const whk_query_parameter_t *found;

    if (!name || name->type != WHK_SF_STRING || component->item->parameters->nelts != 1)
        return refuse(component, "must have the one parameter name, a string");
    found = apr_hash_get(query_parameters(component), name->text, APR_HASH_KEY_STRING);
    if (!found)
        return refuse(component, "names a parameter that is not in the query");
    if (found->count > 1)
        return refuse(component, "names a parameter that is in the query more than once");
    *value = found->value;
    return NULL;
}

static derive_t *find_derived(const char *name, int is_response)
{
    static const struct {
        const char *name;
        derive_t *derive;
        int is_of_response;
    } rows[] = {
        {"@method", derive_method, 0},
        {"@target-uri", derive_target_uri, 0},
        {"@authority", derive_authority, 0},
        {"@scheme", derive_scheme, 0},
        {"@request-target", derive_request_target, 0},
        {"@path", derive_path, 0},
        {"@query", derive_query, 0},
        {"@query-param", derive_query_param, 0},
        {"@status", derive_status, 1},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].is_of_response == is_response && strcmp(rows[i].name, name) == 0)
            return rows[i].derive;
    return NULL;
}

static const whk_outcome_t *read_derived(const char **value, const component_t *component)
{
    int is_response = component->message->status != 0;
    derive_t *derive = find_derived(component->item->text, is_response);

    if (!derive && is_response)
        return refuse(component, "is none of a response: that is @status, and those of the request "
                                 "that it answers, with the parameter req");
    if (!derive)
        return refuse(component, "is none of a request: those are @method, @target-uri, "
                                 "@authority, @scheme, @request-target, @path, @query and "
                                 "@query-param");
    if (derive != derive_query_param && component->item->parameters->nelts)
        return refuse(component, "must have no parameters");
    return derive(value, component);
}

static const whk_outcome_t *absent(const component_t *component)
{
    return refuse(component, "is covered, but the message has no such header");
}

static const whk_outcome_t *read_field(const char **value, const component_t *component)
{
    WHK_TRY(whk_field_combined(value, component->message, component->item->text, component->pool));
    return *value ? NULL : absent(component);
}

/* `bs`: each line apart, so that it can't be told otherwise where one ends. */
static const whk_outcome_t *read_wrapped(const char **value, const component_t *component)
{
    apr_pool_t *pool = component->pool;
    apr_array_header_t *pieces = apr_array_make(pool, 4, sizeof(const char *));
    const apr_array_header_t *lines;
    int i;

    WHK_TRY(whk_field_lines(&lines, component->message, component->item->text, pool));
    for (i = 0; i < lines->nelts; i++) {
        const char *line = APR_ARRAY_IDX(lines, i, const char *);

        APR_ARRAY_PUSH(pieces, const char *) = i ? ", :" : ":";
        APR_ARRAY_PUSH(pieces, const char *) =
            whk_base64_encode(pool, (const unsigned char *)line, strlen(line));
        APR_ARRAY_PUSH(pieces, const char *) = ":";
    }
    *value = apr_array_pstrcat(pool, pieces, 0);
    return lines->nelts ? NULL : absent(component);
}

/* NULL: there is no such field. */
static const whk_outcome_t *read_dictionary(const apr_array_header_t **members,
                                            const component_t *component)
{
    apr_hash_t *dictionaries = component->shared->dictionaries;
    const char *name = component->item->text;

    *members = apr_hash_get(dictionaries, name, APR_HASH_KEY_STRING);
    if (*members)
        return NULL;
    WHK_TRY(whk_field_dictionary(members, component->message, name, component->pool));
    apr_hash_set(dictionaries, name, APR_HASH_KEY_STRING, *members);
    return NULL;
}

static const whk_outcome_t *read_member(const char **value, const component_t *component,
                                        const whk_sf_item_t *key)
{
    const apr_array_header_t *members;
    const whk_sf_item_t *member;

    if (key->type != WHK_SF_STRING)
        return refuse(component, "must have a string for its parameter key");
    WHK_TRY(read_dictionary(&members, component));
    if (!members)
        return absent(component);
    member = whk_sf_find(members, key->text);
    if (!member)
        return refuse(component, "has a key that is not in that header");
    *value = whk_sf_serialize(member, component->pool);
    return NULL;
}

static const whk_outcome_t *read_header(const char **value, const component_t *component)
{
    const apr_array_header_t *parameters = component->item->parameters;
    const whk_sf_item_t *wrapped = whk_sf_find(parameters, "bs");
    const whk_sf_item_t *key = whk_sf_find(parameters, "key");

    if (parameters->nelts == 0)
        return read_field(value, component);
    if (parameters->nelts == 1 && key)
        return read_member(value, component, key);
    if (parameters->nelts == 1 && wrapped && wrapped->type == WHK_SF_BOOLEAN && wrapped->number)
        return read_wrapped(value, component);
    if (whk_sf_find(parameters, "sf"))
        return refuse(component, "has the parameter sf, which is not supported here: cover the "
                                 "header as it is sent, without sf");
    return refuse(component, "has parameters that a header can't have here: either bs or key is "
                             "possible, never tr, and req where a response covers its request");
}

/* Printable ASCII and tabs. A line break in a target would be one in the signature base. */
static int is_ascii(const char *text)
{
    while (*text == '\t' || (*text >= ' ' && *text <= '~'))
        text++;
    return !*text;
}

static const whk_outcome_t *read_component(const char **value, const component_t *component)
{
    const char *name = component->item->text;

    if (component->item->type != WHK_SF_STRING || !is_name(name))
        return whk_refuse(component->pool, WHK_MALFORMED_JWS,
                          "Signature-Input must list components as strings: names of headers in "
                          "lower case, and those that begin with @");
    if (*name == '@')
        WHK_TRY(read_derived(value, component));
    else
        WHK_TRY(read_header(value, component));
    if (!*value || !is_ascii(*value))
        return refuse(component, "has a value that is not ASCII: cover a header like that with "
                                 "the parameter bs");
    return NULL;
}

static int is_of_request(const whk_sf_item_t *item)
{
    const whk_sf_item_t *req = whk_sf_find(item->parameters, "req");

    return req && req->type == WHK_SF_BOOLEAN && req->number;
}

static const apr_array_header_t *without_req(const apr_array_header_t *parameters, apr_pool_t *pool)
{
    apr_array_header_t *others = apr_array_make(pool, 1, sizeof(whk_sf_pair_t));
    int i;

    for (i = 0; i < parameters->nelts; i++) {
        const whk_sf_pair_t *parameter = &APR_ARRAY_IDX(parameters, i, whk_sf_pair_t);

        if (strcmp(parameter->key, "req") != 0)
            APR_ARRAY_PUSH(others, whk_sf_pair_t) = *parameter;
    }
    return others;
}

/* Section 2.4: the same component, of the request that the message answers. */
static const whk_outcome_t *read_any(const char **value, const component_t *component,
                                     reading_t *reading)
{
    component_t of_request = *component;
    whk_sf_item_t item = *component->item;

    if (item.type != WHK_SF_STRING || !component->message->request || !is_of_request(&item))
        return read_component(value, component);
    item.parameters = without_req(item.parameters, component->pool);
    of_request.item = &item;
    of_request.message = component->message->request;
    of_request.shared = &reading->of_request;
    return read_component(value, &of_request);
}

static const whk_outcome_t *take_room(const component_t *component, reading_t *reading,
                                      const char *value)
{
    apr_size_t length = strlen(value);

    if (length > reading->room)
        return refuse(component, "makes what is covered longer than the " APR_STRINGIFY(
                                     WHK_SIGNATURE_BASE_MAX) " bytes that may be: cover less");
    reading->room -= length;
    return NULL;
}

/* As pieces: identifier, value and what separates them; a list is too short for a hash to pay. */
static int is_covered_already(const apr_array_header_t *pieces, const char *identifier)
{
    int i;

    for (i = 0; i < pieces->nelts; i += 4)
        if (strcmp(APR_ARRAY_IDX(pieces, i, const char *), identifier) == 0)
            return 1;
    return 0;
}

static void put_line(apr_array_header_t *pieces, const char *identifier, const char *value,
                     const char *end)
{
    APR_ARRAY_PUSH(pieces, const char *) = identifier;
    APR_ARRAY_PUSH(pieces, const char *) = ": ";
    APR_ARRAY_PUSH(pieces, const char *) = value;
    APR_ARRAY_PUSH(pieces, const char *) = end;
}

const whk_outcome_t *whk_signature_base(const char **base, const whk_message_t *message,
                                        const whk_sf_item_t *input, apr_pool_t *pool)
{
    apr_array_header_t *pieces = apr_array_make(pool, 64, sizeof(const char *));
    reading_t reading = {
        {apr_hash_make(pool), NULL}, {apr_hash_make(pool), NULL}, WHK_SIGNATURE_BASE_MAX};
    int i;

    for (i = 0; i < input->members->nelts; i++) {
        component_t component = {message, &APR_ARRAY_IDX(input->members, i, whk_sf_item_t),
                                 &reading.own, pool};
        const char *identifier;
        const char *value = NULL;

        WHK_TRY(read_any(&value, &component, &reading));
        WHK_TRY(take_room(&component, &reading, value));
        identifier = whk_sf_serialize(component.item, pool);
        if (is_covered_already(pieces, identifier))
            return refuse(&component, "is there twice");
        put_line(pieces, identifier, value, "\n");
    }
    put_line(pieces, "\"@signature-params\"", whk_sf_serialize(input, pool), "");
    *base = apr_array_pstrcat(pool, pieces, 0);
    return NULL;
}

static int has_no_other(const whk_sf_item_t *item, int of_request)
{
    return item->parameters->nelts == of_request && is_of_request(item) == of_request;
}

int whk_signature_base_covers_request(const whk_sf_item_t *input, const char *name, int is_any)
{
    int i;

    for (i = 0; i < input->members->nelts; i++) {
        const whk_sf_item_t *item = &APR_ARRAY_IDX(input->members, i, whk_sf_item_t);

        if (item->type == WHK_SF_STRING && strcasecmp(item->text, name) == 0 &&
            is_of_request(item) && (is_any || has_no_other(item, 1)))
            return 1;
    }
    return 0;
}

int whk_signature_base_covers(const whk_sf_item_t *input, const char *name, int is_any)
{
    int i;

    for (i = 0; i < input->members->nelts; i++) {
        const whk_sf_item_t *item = &APR_ARRAY_IDX(input->members, i, whk_sf_item_t);

        if (item->type == WHK_SF_STRING && strcasecmp(item->text, name) == 0 &&
            ((is_any && !is_of_request(item)) || has_no_other(item, 0)))
            return 1;
    }
    return 0;
}
