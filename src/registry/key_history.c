/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/key_history.h"

#include <string.h>

#include <apr_strings.h>

#include "registry/audit_trail.h"

whk_stories_t *whk_stories_make(apr_pool_t *pool)
{
    whk_stories_t *stories = apr_pcalloc(pool, sizeof(*stories));

    stories->pool = pool;
    stories->by_key_id = apr_hash_make(pool);
    stories->thumbprints = apr_hash_make(pool);
    return stories;
}

whk_story_t *whk_stories_of(const whk_stories_t *stories, const char *key_id)
{
    return apr_hash_get(stories->by_key_id, key_id, APR_HASH_KEY_STRING);
}

/* `thumbprint` is NULL where the event was written by a version that did not tell it. */
static void set_material(whk_stories_t *stories, whk_story_t *story, const char *thumbprint)
{
    const whk_story_t *before;

    story->thumbprint = apr_pstrdup(stories->pool, thumbprint);
    if (!story->thumbprint)
        return;
    before = apr_hash_get(stories->thumbprints, story->thumbprint, APR_HASH_KEY_STRING);
    if (before && before != story)
        story->twice = 1;
    apr_hash_set(stories->thumbprints, story->thumbprint, APR_HASH_KEY_STRING, story);
}

static void tell_registered(whk_stories_t *stories, const whk_event_t *event)
{
    whk_story_t *story = apr_pcalloc(stories->pool, sizeof(*story));

    story->again = whk_stories_of(stories, event->key_id) != NULL;
    story->key_id = apr_pstrdup(stories->pool, event->key_id);
    story->registered = event->at;
    story->registered_by = apr_pstrdup(stories->pool, event->actor);
    set_material(stories, story, event->detail);
    apr_hash_set(stories->by_key_id, story->key_id, APR_HASH_KEY_STRING, story);
}

static void tell_changed(whk_stories_t *stories, whk_story_t *story, const char *detail)
{
    apr_size_t length = strlen(WHK_AUDIT_ACCEPTED);

    if (!detail || !strcmp(detail, WHK_AUDIT_REFUSED))
        return;
    set_material(stories, story,
                 strncmp(detail, WHK_AUDIT_ACCEPTED, length) ? NULL : detail + length);
}

void whk_stories_tell(whk_stories_t *stories, const whk_event_t *event)
{
    whk_story_t *story;

    if (!event->key_id)
        return;
    if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_KEY_REGISTERED))) {
        tell_registered(stories, event);
        return;
    }
    story = whk_stories_of(stories, event->key_id);
    if (!story)
        return;
    if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_KEY_REVOKED))) {
        story->revoked = event->at;
        story->revoked_by = apr_pstrdup(stories->pool, event->actor);
    } else if (!strcmp(event->type, whk_event_type_name(WHK_EVENT_JWKS_URI_KEY_CHANGED))) {
        tell_changed(stories, story, event->detail);
    }
}

const char *whk_story_flaw(const whk_story_t *story, const whk_key_t *key)
{
    int is_revoked = key->status == WHK_KEY_STATUS_REVOKED;

    if (!story)
        return "no event tells of its registration";
    if (story->again)
        return "its events tell of two registrations, and a keyId is used once";
    if (story->twice)
        return "its events tell of key material that was registered before";
    if (story->thumbprint && strcmp(story->thumbprint, key->thumbprint) != 0)
        return "its events tell of other key material";
    if (story->registered != key->created || strcmp(story->registered_by, key->created_by) != 0)
        return "its events tell of another time of registration, or somebody else who did it";
    if (story->revoked && !is_revoked)
        return "it is ACTIVE, but its events tell that it was revoked";
    if (!story->revoked && is_revoked)
        return "it is REVOKED, but no event tells so";
    if (story->revoked != key->revoked ||
        strcmp(story->revoked_by ? story->revoked_by : "", key->revoked_by ? key->revoked_by : ""))
        return "its events tell of another time of revocation, or somebody else who did it";
    return NULL;
}
