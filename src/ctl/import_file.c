/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/import_file.h"

#include <apr_strings.h>
#include <csv.h>
#include <errno.h>
#include <string.h>

#include "ctl/diagnostics.h"
#include "jose/json.h"

/* Bytes of a line, and of a file that is one key or one JWK Set. */
#define LONGEST 1048576

/* What a CSV record that goes on over lines may take. */
#define LONGEST_RECORD 2097152

#define COLUMNS_MAX 32

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct {
    FILE *file;
    whk_import_visit visit;
    void *baton;
    apr_pool_t *pool;
    apr_pool_t *one; /* of a record */
    int status;
} reader_t;

static int visit(reader_t *reader, int line, const json_t *record, const char *flaw)
{
    if (reader->status == WHK_EXIT_DONE)
        reader->status = reader->visit(reader->baton, line, record, flaw, reader->one);
    return reader->status;
}

#define NO_LINE (-1)
#define TOO_LONG (-2)

/* Into `line`, which has room for LONGEST and a NUL, its end included.
 * @return its length, NO_LINE or TOO_LONG */
static long read_line(reader_t *reader, char *line)
{
    long length = 0;
    int c = EOF;

    while (length < LONGEST && (c = getc_unlocked(reader->file)) != EOF) {
        line[length++] = (char)c;
        if (c == '\n')
            break;
    }
    line[length] = '\0';
    if (c == EOF || c == '\n')
        return length ? length : NO_LINE;
    while ((c = getc_unlocked(reader->file)) != EOF && c != '\n')
        ;
    return TOO_LONG;
}

static long without_end(const char *line, long length)
{
    while (length > 0 && strchr("\r\n \t", line[length - 1]) && line[length - 1])
        length--;
    return length;
}

/* ---- JSON lines ---- */

static int visit_json(reader_t *reader, int number, const char *line, apr_size_t length)
{
    const whk_outcome_t *outcome;
    json_t *record;

    apr_pool_clear(reader->one);
    outcome = whk_json_parse(&record, line, length, "the line", reader->one);
    if (outcome)
        return visit(reader, number, NULL, outcome->message);
    return json_is_object(record)
               ? visit(reader, number, record, NULL)
               : visit(reader, number, NULL, "the line must be a JSON object, {\"enterprise\":…}");
}

static int read_json_lines(reader_t *reader)
{
    char *line = apr_palloc(reader->pool, LONGEST + 1);
    int number = 0;
    long length;

    while (reader->status == WHK_EXIT_DONE && (length = read_line(reader, line)) != NO_LINE) {
        number++;
        if (length == TOO_LONG)
            visit(reader, number, NULL, "the line must be no longer than 1 MiB");
        else if (without_end(line, length))
            visit_json(reader, number, line, (apr_size_t)without_end(line, length));
    }
    return reader->status;
}

/* ---- CSV ---- */

typedef struct {
    reader_t *reader;
    const char *columns[COLUMNS_MAX];
    int column_count; /* 0: the line with their names is still to come */
    json_t *record;
    const char *flaw;
    int field;
    int begins; /* the line where this record does */
    int number; /* the line that is being read */
} csv_t;

static void take_name(csv_t *csv, const char *text, apr_size_t length)
{
    if (csv->field >= COLUMNS_MAX)
        csv->flaw = "the first line must name no more than 32 columns";
    else
        csv->columns[csv->field] = apr_pstrmemdup(csv->reader->pool, text, length);
    csv->field++;
}

static void take_field(void *field, size_t length, void *baton)
{
    csv_t *csv = baton;
    const char *text = field ? field : "";
    int number = csv->field;

    if (!csv->column_count) {
        take_name(csv, text, length);
        return;
    }
    csv->field++;
    if (number >= csv->column_count) {
        csv->flaw = "the line must have as many fields as the first one has names";
        return;
    }
    /* What is empty is not there. */
    if (length &&
        json_object_set_new(csv->record, csv->columns[number], json_stringn(text, length)) != 0)
        csv->flaw = "the line must be UTF-8";
}

static void end_record(int end, void *baton)
{
    csv_t *csv = baton;

    (void)end;
    if (csv->column_count && csv->field < csv->column_count && !csv->flaw)
        csv->flaw = "the line must have as many fields as the first one has names";
    if (!csv->column_count) {
        csv->column_count = csv->field;
    } else if (csv->flaw || json_object_size(csv->record)) {
        visit(csv->reader, csv->begins, csv->flaw ? NULL : csv->record, csv->flaw);
        apr_pool_clear(csv->reader->one);
        csv->record = whk_json_adopt(csv->reader->one, json_object());
        csv->flaw = NULL;
    }
    csv->field = 0;
    csv->begins = csv->number + 1;
}

/* A spreadsheet writes what its country has between fields. */
static unsigned char delimiter_of(const char *names)
{
    return strchr(names, ',') ? ',' : strchr(names, ';') ? ';' : strchr(names, '\t') ? '\t' : ',';
}

static int parse_line(csv_t *csv, struct csv_parser *parser, const char *line, long length)
{
    if (length == TOO_LONG || csv_get_buffer_size(parser) > LONGEST_RECORD)
        return whk_refused("line %d: a record must be no longer than 1 MiB", csv->begins);
    if (csv->number == 1)
        csv_set_delim(parser, delimiter_of(line));
    if (csv_parse(parser, line, (size_t)length, take_field, end_record, csv) != (size_t)length)
        return whk_refused("line %d must be CSV: quotes stand around a whole field, and twice "
                           "inside of it",
                           csv->number);
    if (csv->flaw && !csv->column_count)
        return whk_refused("%s", csv->flaw);
    return csv->reader->status;
}

static int parse_csv(csv_t *csv, struct csv_parser *parser)
{
    reader_t *reader = csv->reader;
    char *line = apr_palloc(reader->pool, LONGEST + 1);
    long length;

    while (reader->status == WHK_EXIT_DONE && (length = read_line(reader, line)) != NO_LINE) {
        csv->number++;
        reader->status = parse_line(csv, parser, line, length);
    }
    if (reader->status != WHK_EXIT_DONE)
        return reader->status;
    if (csv_fini(parser, take_field, end_record, csv) != 0)
        return whk_refused("a quote that begins a field in line %d is never closed", csv->begins);
    return reader->status;
}

static int read_csv(reader_t *reader)
{
    csv_t csv = {.reader = reader, .begins = 1};
    struct csv_parser parser;
    int status;

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0)
        return whk_refused("out of memory");
    csv.record = whk_json_adopt(reader->one, json_object());
    status = parse_csv(&csv, &parser);
    csv_free(&parser);
    return status;
}

/* ---- one JWK Set, or one key ---- */

/* NULL: it is longer than such a file may be. */
static const char *read_all(reader_t *reader, apr_size_t *length)
{
    char *text = apr_palloc(reader->pool, LONGEST + 1);

    *length = fread(text, 1, LONGEST + 1, reader->file);
    rewind(reader->file);
    return *length <= LONGEST ? text : NULL;
}

static json_t *set_in(reader_t *reader, const char *text, apr_size_t length)
{
    json_t *set = NULL;

    if (whk_json_parse(&set, text, length, "the file", reader->pool) || !json_is_object(set) ||
        json_object_get(set, "enterprise") || !json_is_array(json_object_get(set, "keys")))
        return NULL;
    return json_object_get(set, "keys");
}

static int read_set(reader_t *reader, json_t *keys)
{
    size_t i;

    for (i = 0; i < json_array_size(keys) && reader->status == WHK_EXIT_DONE; i++) {
        apr_pool_clear(reader->one);
        visit(reader, (int)i + 1,
              whk_json_adopt(reader->one, json_pack("{s:O}", "key", json_array_get(keys, i))),
              NULL);
    }
    return reader->status;
}

static int read_one_key(reader_t *reader, const char *text, apr_size_t length)
{
    json_t *record;

    while (length && strchr(" \t\r\n", text[length - 1]))
        length--;
    record = whk_json_adopt(reader->one, json_pack("{s:s%}", "key", text, length));
    return visit(reader, 1, record, record ? NULL : "the file must be UTF-8");
}

/* ---- which of them it is ---- */

static int begins(const char *text, apr_size_t length, const char *with)
{
    return length >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static int is_key(const char *text, apr_size_t length)
{
    return begins(text, length, "-----BEGIN ") || begins(text, length, "whpk_") ||
           begins(text, length, "whsk_") || begins(text, length, "whsec_");
}

static apr_size_t skip(const char *text, apr_size_t length)
{
    apr_size_t at = begins(text, length, BYTE_ORDER_MARK) ? strlen(BYTE_ORDER_MARK) : 0;

    while (at < length && strchr(" \t\r\n", text[at]))
        at++;
    return at;
}

static int read_as_it_begins(reader_t *reader, const char *first, apr_size_t count)
{
    apr_size_t at = skip(first, count);
    apr_size_t length;
    const char *all;
    json_t *keys;

    if (at == count)
        return whk_refused("the file is empty");
    if (first[at] == '[')
        return whk_refused("the file is one JSON array: write an object a line, as jq -c '.[]' "
                           "does");
    all = first[at] == '{' || is_key(first + at, count - at) ? read_all(reader, &length) : NULL;
    if (all && first[at] != '{')
        return read_one_key(reader, all + at, length - at);
    keys = all ? set_in(reader, all + at, length - at) : NULL;
    if (keys)
        return read_set(reader, keys);
    fseek(reader->file, begins(first, count, BYTE_ORDER_MARK) ? (long)strlen(BYTE_ORDER_MARK) : 0,
          SEEK_SET);
    return first[at] == '{' ? read_json_lines(reader) : read_csv(reader);
}

int whk_import_file_read(FILE *file, whk_import_visit visit_record, void *baton, apr_pool_t *pool)
{
    reader_t reader = {.file = file, .visit = visit_record, .baton = baton};
    char first[512];
    apr_size_t count;
    int status;

    apr_pool_create(&reader.pool, pool);
    apr_pool_create(&reader.one, reader.pool);
    rewind(file);
    count = fread(first, 1, sizeof(first), file);
    rewind(file);
    status = read_as_it_begins(&reader, first, count);
    if (status == WHK_EXIT_DONE && ferror(file))
        status = whk_refused("the file can't be read: %s", strerror(errno));
    apr_pool_destroy(reader.pool);
    return status;
}
