/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - finds the records in a chunk, and where to go on behind what is
 * broken.
 *
 *             '['              '{' … "records": [              ']'
 *    TOP ───────────▶ ARRAY ─────────────────────▶ RECORDS ─────────▶ TAIL
 *     │ ▲                ▲                            │ ▲               │
 *     │ │ ']'            │             '}' (or to TOP)│ │'{…}'          │
 *   '{…}' a record       └────────────────────────────┼─┼───────────────┘
 *
 * A chunk may be a piece of a stream, cut anywhere.  Each record, and each
 * member of an envelope behind its records, is consumed by itself, and the
 * state above goes into the context: an envelope of any size needs no more
 * room than its largest record.
 *
 * What is not ours is passed on.  As long as nothing of ours has been seen the
 * walk is dry (it tells nobody anything), so that a chunk without any can be
 * left to the other decoders whole. */
#include "config.h"

#include <stdio.h>

#include "hub_logs.h"

enum place { TOP, ARRAY, RECORDS, TAIL };

/* Where between two elements of an array. */
enum step {
    FIRST, /* behind '[': an element or the end */
    NEXT,  /* behind an element: a comma or the end */
    VALUE  /* behind a comma: an element */
};

enum skip { SKIP_NONE, SKIP_LINE, SKIP_VALUE };

/* The part of a walk that goes into the context. */
struct state {
    uint8_t place, step, skip;
    uint8_t in_array; /* the envelope is an element of an array */
    struct lex lex;   /* SKIP_VALUE: how far */
};

struct walk {
    struct hub_logs *h;
    const struct tocsin_chunk *chunk;
    struct tocsin_sink *sink;
    struct state state;
    int dry;           /* nothing of ours has been seen */
    int partial;       /* the text may go on in the next chunk */
    size_t n_foreign;  /* what is or would be passed */
    size_t n_consumed; /* events and rejects */
    size_t p;
};

/* What a step returns beside TOCSIN_ERROR. */
#define STOP 0  /* the end, or more bytes are needed */
#define GO_ON 1 /* w->p has moved, or the place has changed */
#define AGAIN 2 /* something of ours after what isn't: walk again, not dry */

/* ------------------------------------------------------------- context */

#define CONTEXT_VERSION 1
#define CONTEXT_USED 16

static void
context_load(const struct tocsin_context *context, struct state *ret)
{
    const uint8_t *b = context->bytes;
    memset(ret, 0, sizeof *ret);
    if (context->size != CONTEXT_USED || b[0] != CONTEXT_VERSION ||
        b[1] > TAIL || b[2] > VALUE || b[3] > SKIP_VALUE ||
        b[5] > TOCSIN_JSON_DEPTH)
        return;
    ret->place = b[1];
    ret->step = b[2];
    ret->skip = b[3];
    ret->in_array = b[4] != 0;
    ret->lex.depth = b[5];
    ret->lex.in_string = b[6] != 0;
    ret->lex.escape = b[7] != 0;
    for (unsigned i = 0; i < 8; i++)
        ret->lex.objects |= (uint64_t)b[8 + i] << (8 * i);
}

static void
context_save(const struct state *state, struct tocsin_context *context)
{
    uint8_t *b = context->bytes;
    memset(context, 0, sizeof *context);
    if (state->place == TOP && state->skip == SKIP_NONE)
        return;
    context->size = CONTEXT_USED;
    b[0] = CONTEXT_VERSION;
    b[1] = state->place;
    b[2] = state->step;
    b[3] = state->skip;
    b[4] = state->in_array;
    b[5] = state->lex.depth;
    b[6] = state->lex.in_string;
    b[7] = state->lex.escape;
    for (unsigned i = 0; i < 8; i++)
        b[8 + i] = (uint8_t)(state->lex.objects >> (8 * i));
}

/* ------------------------------------------------- passing and rejecting */

static int
walk_pass(struct walk *w, size_t from, size_t to)
{
    w->n_foreign++;
    w->p = to;
    if (w->dry)
        return GO_ON;
    if (w->sink->pass(w->sink, (uint32_t)from, (uint32_t)(to - from)) < 0)
        return TOCSIN_ERROR;
    return GO_ON;
}

/* Something of ours has come. */
static int
walk_claim(struct walk *w)
{
    const int again = w->dry && w->n_foreign > 0;
    w->dry = 0;
    return again ? AGAIN : GO_ON;
}

static int
walk_reject(struct walk *w, size_t from, size_t to, const char *reason)
{
    const int r = walk_claim(w);
    if (r != GO_ON)
        return r;
    w->p = to;
    w->n_consumed++;
    if (w->sink->reject(w->sink, (uint32_t)from, (uint32_t)(to - from),
                        reason) < 0)
        return TOCSIN_ERROR;
    return GO_ON;
}

/* ---------------------------------------------------- what is not sound */

/* Text that can't be read: rejected if it looks like Azure's records, else
 * passed to whoever knows it. */
struct broken {
    size_t from;
    size_t error; /* the byte that is wrong; the chunk's size: it ends */
    int looks_ours;
    const char *reason;
};

static int
walk_drop(struct walk *w, const struct broken *b, size_t to)
{
    if (b->looks_ours)
        return walk_reject(w, b->from, to, b->reason);
    return walk_pass(w, b->from, to);
}

static size_t
find_byte(const struct walk *w, size_t from, size_t to, char c)
{
    const char *data = w->chunk->data;
    const char *at = from < to ? memchr(data + from, c, to - from) : NULL;
    return at != NULL ? (size_t)(at - data) : to;
}

/* Gives up the rest of the line at b->from, behind b->error: the envelope or
 * array that it stands in, if any, is lost. */
static int
walk_drop_line(struct walk *w, const struct broken *b)
{
    const size_t size = w->chunk->size;
    size_t to = size;
    if ((w->chunk->flags & TOCSIN_CHUNK_MESSAGE) == 0 || w->state.place == TOP)
        to = find_byte(w, b->error, size, '\n');
    if (to == size && w->partial)
        return STOP;
    if (to == size && (w->chunk->flags & TOCSIN_CHUNK_FULL) != 0)
        w->state.skip = SKIP_LINE;
    w->state.place = TOP;
    return walk_drop(w, b, to);
}

/* The first line break before 'to' with a bracket right behind it: at top
 * level a new value begins there, whatever the one before lacks. */
static size_t
find_new_value(const struct walk *w, size_t from, size_t to)
{
    const char *data = w->chunk->data;
    for (size_t at = from; (at = find_byte(w, at, to, '\n')) < to; at++)
        if (at + 1 < w->chunk->size &&
            (data[at + 1] == '{' || data[at + 1] == '['))
            return at;
    return to;
}

/* Gives up a value that takes several lines, or one inside an array: up to the
 * bracket that closes it, if its brackets and quotes are sound. */
static int
walk_drop_value(struct walk *w, const struct broken *b)
{
    const size_t size = w->chunk->size;
    struct lex lex = {0};
    size_t used;
    const enum lex_result found =
        lex_run(&lex, w->chunk->data + b->from, size - b->from, &used);
    size_t to = b->from + used;
    if (w->state.place == TOP) {
        const size_t cut = find_new_value(w, b->from, to);
        if (cut < to)
            return walk_drop(w, b, cut);
    }
    if (found == LEX_DONE) {
        w->state.step = NEXT;
        return walk_drop(w, b, to);
    }
    if (found == LEX_UNSOUND) {
        struct broken rest = *b;
        rest.error = to > b->error ? to : b->error;
        return walk_drop_line(w, &rest);
    }
    if (w->partial)
        return STOP;
    if ((w->chunk->flags & TOCSIN_CHUNK_FULL) != 0) {
        w->state.skip = SKIP_VALUE;
        w->state.step = NEXT;
        w->state.lex = lex;
    } else {
        w->state.place = TOP;
    }
    return walk_drop(w, b, to);
}

/* A value that the reader gave up.  A line of its own (storage blobs) ends
 * with the line. */
static int
walk_broken(struct walk *w, size_t from, const struct tocsin_json *r, int more,
            int looks_ours)
{
    const struct broken b = {
        .from = from,
        .error = (size_t)(r->p - w->chunk->data),
        .looks_ours = looks_ours || w->state.place >= RECORDS,
        .reason = w->h->reason,
    };
    if (more == TOCSIN_JSON_MORE && w->partial)
        return STOP;
    if (more == TOCSIN_JSON_MORE && (w->chunk->flags & TOCSIN_CHUNK_FULL) != 0)
        snprintf(w->h->reason, sizeof w->h->reason,
                 "longer than the buffer of %zu bytes", w->chunk->size);
    else
        snprintf(w->h->reason, sizeof w->h->reason, "not JSON: byte %zu: %s",
                 b.error - from, r->error);
    if (w->state.place == TOP && find_byte(w, from, b.error, '\n') == b.error)
        return walk_drop_line(w, &b);
    return walk_drop_value(w, &b);
}

/* Something between the elements that does not belong there. */
static int
walk_broken_list(struct walk *w, const char *reason)
{
    const struct broken b = {w->p, w->p, w->state.place >= RECORDS, reason};
    return walk_drop_line(w, &b);
}

/* --------------------------------------------------------------- values */

static int
walk_record(struct walk *w, struct record *rec, size_t from, size_t to)
{
    const char *reason = "no room for the text of its fields";
    if (!record_is_ours(rec))
        return walk_pass(w, from, to);
    const int r = walk_claim(w);
    if (r != GO_ON)
        return r;
    switch (record_emit(rec, from, to - from, &reason)) {
    case EMIT_OK:
        w->n_consumed++;
        w->p = to;
        return GO_ON;
    case EMIT_NO_ROOM:
        /* The next call has room again. */
        if ((w->chunk->flags & TOCSIN_CHUNK_MESSAGE) == 0 && w->n_consumed > 0)
            return STOP;
        return walk_reject(w, from, to, reason);
    case EMIT_REJECT:
        return walk_reject(w, from, to, reason);
    default:
        return TOCSIN_ERROR;
    }
}

/* The object at w->p: a record, or an envelope of them. */
static int
walk_object(struct walk *w)
{
    const size_t from = w->p;
    const char *data = w->chunk->data;
    struct tocsin_json r;
    struct record rec;
    record_init(&rec, w->h, w->chunk, w->sink);
    rec.in_envelope = w->state.place == RECORDS;
    tocsin_json_init(&r, data + from, w->chunk->size - from);
    const int more = record_read(&rec, &r);
    if (more < 0)
        return walk_broken(w, from, &r, more, rec.looks_ours);
    const size_t to = (size_t)(r.p - data);
    if (more == RECORD_ENVELOPE) {
        w->state.in_array = w->state.place == ARRAY;
        w->state.place = RECORDS;
        w->state.step = FIRST;
        w->p = to;
        return GO_ON;
    }
    const int done = walk_record(w, &rec, from, to);
    if (done == GO_ON)
        w->state.step = NEXT;
    return done;
}

/* An element that is no object. */
static int
walk_other(struct walk *w)
{
    const size_t from = w->p;
    struct tocsin_json r;
    tocsin_json_init(&r, w->chunk->data + from, w->chunk->size - from);
    const int more = tocsin_json_skip(&r);
    if (more < 0)
        return walk_broken(w, from, &r, more, 0);
    const size_t to = (size_t)(r.p - w->chunk->data);
    if (to == w->chunk->size && w->partial)
        return STOP; /* a number may go on */
    w->state.step = NEXT;
    if (w->state.place == RECORDS)
        return walk_reject(w, from, to, "not an object");
    return walk_pass(w, from, to);
}

/* An array of records or of envelopes, or the records of an envelope. */
static int
walk_list(struct walk *w)
{
    const char c = w->chunk->data[w->p];
    if (c == ']' && w->state.step != VALUE) {
        w->state.place = w->state.place == RECORDS ? TAIL : TOP;
        w->p++;
        return GO_ON;
    }
    if (w->state.step == NEXT) {
        if (c != ',')
            return walk_broken_list(w, "not JSON: expected a comma or the end");
        w->state.step = VALUE;
        w->p++;
        return GO_ON;
    }
    return c == '{' ? walk_object(w) : walk_other(w);
}

/* The members of an envelope behind its records; there may be more records. */
static int
walk_tail(struct walk *w)
{
    struct tocsin_json_text name;
    struct tocsin_json r;
    tocsin_json_init(&r, w->chunk->data + w->p, w->chunk->size - w->p);
    r.depth = 1;
    int more = tocsin_json_next_key(&r, &name);
    if (more > 0 && !name.escaped && name.n == 7 &&
        memcmp(name.p, "records", 7) == 0 && tocsin_json_peek(&r) == '[') {
        more = tocsin_json_enter(&r, '[');
        w->state.place = RECORDS;
        w->state.step = FIRST;
    } else if (more > 0) {
        more = tocsin_json_skip(&r);
    } else if (more == 0) {
        w->state.place = w->state.in_array ? ARRAY : TOP;
        w->state.step = NEXT;
    }
    if (more == TOCSIN_JSON_MORE && w->partial)
        return STOP;
    if (more < 0)
        return walk_broken_list(w, "not JSON: behind the records");
    w->p = (size_t)(r.p - w->chunk->data);
    return GO_ON;
}

/* A line that begins no object and no array. */
static int
walk_line(struct walk *w)
{
    const size_t to = find_byte(w, w->p, w->chunk->size, '\n');
    if (to == w->chunk->size && w->partial)
        return STOP;
    if (to == w->chunk->size && (w->chunk->flags & TOCSIN_CHUNK_FULL) != 0)
        w->state.skip = SKIP_LINE;
    return walk_pass(w, w->p, to);
}

/* The rest of what was too long for the buffer. */
static int
walk_skip(struct walk *w)
{
    const size_t size = w->chunk->size;
    size_t used = 0;
    if (w->state.skip == SKIP_VALUE) {
        const enum lex_result found =
            lex_run(&w->state.lex, w->chunk->data + w->p, size - w->p, &used);
        w->p += used;
        if (found == LEX_MORE)
            return STOP;
        w->state.skip = SKIP_NONE;
        if (found == LEX_UNSOUND) {
            w->state.place = TOP;
            w->state.skip = SKIP_LINE;
        }
        return GO_ON;
    }
    w->p = find_byte(w, w->p, size, '\n');
    if (w->p < size)
        w->state.skip = SKIP_NONE;
    return w->p < size ? GO_ON : STOP;
}

/* -------------------------------------------------------------- the walk */

static size_t
behind_space(const struct walk *w)
{
    const char *data = w->chunk->data;
    const size_t size = w->chunk->size;
    size_t p = w->p;
    for (;;) {
        while (p < size && (data[p] == ' ' || data[p] == '\n' ||
                            data[p] == '\r' || data[p] == '\t'))
            p++;
        /* A byte order mark, where files have been put together anywhere. */
        if (w->state.place != TOP || size - p < 3 ||
            memcmp(data + p, "\xef\xbb\xbf", 3) != 0)
            return p;
        p += 3;
    }
}

static int
walk_step(struct walk *w)
{
    if (w->state.skip != SKIP_NONE)
        return walk_skip(w);
    w->p = behind_space(w);
    if (w->p == w->chunk->size)
        return STOP;
    switch (w->state.place) {
    case TOP:
        if (w->chunk->data[w->p] == '{')
            return walk_object(w);
        if (w->chunk->data[w->p] != '[')
            return walk_line(w);
        w->state.place = ARRAY;
        w->state.step = FIRST;
        w->p++;
        return GO_ON;
    case ARRAY:
    case RECORDS:
        return walk_list(w);
    default:
        return walk_tail(w);
    }
}

static int
walk_all(struct walk *w)
{
    int r;
    do {
        r = walk_step(w);
    } while (r == GO_ON);
    return r;
}

/* Whether a dry walk may leave the whole chunk to the next decoders: of a
 * stream only where no record may have begun that ends in the next chunk. */
static int
walk_is_foreign(const struct walk *w)
{
    if (!w->dry || w->n_foreign == 0)
        return 0;
    if ((w->chunk->flags & TOCSIN_CHUNK_MESSAGE) != 0)
        return 1;
    if (w->state.place != TOP)
        return 0;
    return w->p == w->chunk->size ||
           (w->chunk->data[w->p] != '{' && w->chunk->data[w->p] != '[');
}

int64_t
walk_chunk(struct hub_logs *h, const struct tocsin_chunk *chunk,
           struct tocsin_context *context, struct tocsin_sink *sink)
{
    const uint32_t ends =
        TOCSIN_CHUNK_MESSAGE | TOCSIN_CHUNK_LAST | TOCSIN_CHUNK_FULL;
    const int is_message = (chunk->flags & TOCSIN_CHUNK_MESSAGE) != 0;
    struct walk w = {.h = h, .chunk = chunk, .sink = sink};
    struct state start = {0};
    if (!is_message)
        context_load(context, &start);
    w.partial = (chunk->flags & ends) == 0;
    w.state = start;
    w.dry = start.place == TOP && start.skip == SKIP_NONE;
    int r = walk_all(&w);
    if (r == STOP && walk_is_foreign(&w))
        return TOCSIN_NOT_MINE;
    if (r == AGAIN || (r == STOP && w.dry && w.n_foreign > 0)) {
        w.state = start;
        w.dry = 0;
        w.p = w.n_foreign = w.n_consumed = 0;
        r = walk_all(&w);
    }
    if (r < 0)
        return TOCSIN_ERROR;
    if ((chunk->flags & TOCSIN_CHUNK_LAST) != 0 && w.p == chunk->size)
        memset(&w.state, 0, sizeof w.state);
    if (!is_message)
        context_save(&w.state, context);
    return (int64_t)w.p;
}
