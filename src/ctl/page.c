/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/page.h"

#include <limits.h>

int whk_page_read(whk_invocation_t *invocation, whk_page_t *page)
{
    apr_int64_t limit;

    WHK_TRY_STATUS(
        whk_invocation_number(invocation, WHK_OPTION_LIMIT, 1, INT_MAX, INT_MAX, &limit));
    page->limit = (int)limit;
    return whk_invocation_number(invocation, WHK_OPTION_OFFSET, 0, APR_INT64_MAX, 0, &page->offset);
}

void whk_page_settle(whk_invocation_t *invocation, whk_page_t *page)
{
    if (!invocation->option[WHK_OPTION_LIMIT])
        page->limit = page->items->nelts;
}

void whk_page_hint(const whk_page_t *page)
{
    if (page->items->nelts < page->total)
        whk_hint("%d of %" APR_INT64_T_FMT " shown: see --limit and --offset.", page->items->nelts,
                 page->total);
}
