/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_build.c - libyaml's events become a tree.
 *
 * What bounds it: the text, the nodes (an alias counts as all that it stands
 * for), the depth, the anchors, and the bytes that libyaml may read without
 * giving an event, which bounds its own buffers. */
#include "config.h"

#include <errno.h>

#include "core/config/yaml_priv.h"

#include "core/base/hash.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/table.h"

/* Bytes that libyaml reads ahead of its events, beside the scalar. */
#define READ_AHEAD (64u << 10)
/* Syntax errors after which we stop looking for more. */
#define SYNTAX_ERRORS_MAX 8u
struct frame {
    struct yaml_node *node;
    size_t first_child; /* in builder.nodes */
};

struct anchor {
    struct slice name;
    const struct yaml_node *node;
};

/* What the builder's functions return beside 0 and -ENOMEM. */
#define STOP (-EINVAL)    /* an error was added, and reading on is no use */
#define SYNTAX (-EBADMSG) /* the same, but further down there may be more */

struct builder {
    struct yaml_doc *doc;
    struct errlist *errs;
    yaml_parser_t parser;
    /* Where the parser began: not at the text's start after an error. */
    size_t first_byte;
    uint32_t first_line;
    /* Reading: what libyaml has, and how much since its last event. */
    size_t read_byte, unanswered;
    /* The byte of a character's index, for marks that mostly go forward. */
    size_t mark_index, mark_byte;
    /* Children of the collections that are still open. */
    const struct yaml_node **nodes;
    size_t n_nodes, cap_nodes;
    struct frame frames[YAML_DEPTH_MAX];
    size_t depth;
    struct anchor *anchors;
    size_t n_anchors;
    struct table anchor_table;
    size_t total; /* nodes, aliases replaced */
    struct yaml_node *last_scalar;
    const struct yaml_node *root;
    bool has_root, ended; /* a document was begun; enough is read */
    bool too_long;
};

/* -------------------------------------------------------------- places */

static size_t
mark_byte(struct builder *b, const yaml_mark_t *mark)
{
    struct slice text = b->doc->text;
    size_t byte = b->mark_byte;
    for (size_t i = b->mark_index; i < mark->index && byte < text.n; i++)
        do
            byte++;
        while (byte < text.n && (text.p[byte] & 0xc0) == 0x80);
    for (size_t i = b->mark_index; i > mark->index && byte > 0; i--)
        do
            byte--;
        while (byte > 0 && (text.p[byte] & 0xc0) == 0x80);
    b->mark_index = mark->index;
    b->mark_byte = byte;
    return byte;
}

static struct yaml_node *
node_new(struct builder *b, enum yaml_kind kind, const yaml_event_t *ev)
{
    struct yaml_node *node = arena_new(&b->doc->arena, struct yaml_node);
    if (node == NULL)
        return NULL;
    node->kind = (uint8_t)kind;
    node->line = b->first_line + (uint32_t)ev->start_mark.line;
    node->column = (uint32_t)ev->start_mark.column + 1;
    node->end_line = b->first_line + (uint32_t)ev->end_mark.line;
    node->end_column = (uint32_t)ev->end_mark.column + 1;
    node->start = (uint32_t)mark_byte(b, &ev->start_mark);
    node->end = (uint32_t)mark_byte(b, &ev->end_mark);
    node->doc = b->doc;
    return node;
}

/* ------------------------------------------------------------- anchors */

struct anchor_key {
    const struct anchor *anchors;
    struct slice name;
};

static bool
anchor_eq(const void *ctx, uint32_t index)
{
    const struct anchor_key *key = ctx;
    return slice_eq(key->anchors[index].name, key->name);
}

static struct anchor *
anchor_find(struct builder *b, struct slice name)
{
    struct anchor_key key = {b->anchors, name};
    uint32_t i =
        table_find(&b->anchor_table, hash_slice(name), anchor_eq, &key);
    return i == TABLE_NONE ? NULL : &b->anchors[i];
}

/* The newest anchor of a name counts, as YAML has it. */
static int
anchor_set(struct builder *b, const yaml_char_t *text,
           const struct yaml_node *node)
{
    if (text == NULL)
        return 0;
    struct slice name = slice_from_str((const char *)text);
    struct anchor *old = anchor_find(b, name);
    if (old != NULL) {
        old->node = node;
        return 0;
    }
    if (b->n_anchors == YAML_ANCHORS_MAX) {
        yaml_error(node, b->errs, "more than %u anchors", YAML_ANCHORS_MAX);
        return STOP;
    }
    if (b->anchors == NULL)
        b->anchors =
            arena_new_array(&b->doc->arena, struct anchor, YAML_ANCHORS_MAX);
    if (b->anchors == NULL || arena_slice_dup(&b->doc->arena, name, &name) < 0)
        return -ENOMEM;
    int r = table_insert(&b->anchor_table, hash_slice(name),
                         (uint32_t)b->n_anchors);
    if (r < 0)
        return -ENOMEM;
    b->anchors[b->n_anchors++] = (struct anchor){name, node};
    return 0;
}

/* ---------------------------------------------------------------- tree */

/* Puts a node into the collection that is open, or makes it the root. */
static int
add(struct builder *b, const struct yaml_node *node, size_t weight,
    const struct yaml_node *where)
{
    b->total += weight;
    if (b->total > YAML_NODES_MAX) {
        yaml_error(where, b->errs, "more than %u values", YAML_NODES_MAX);
        if (weight > 1)
            errlist_hint(b->errs, "this alias stands for %zu of them", weight);
        return STOP;
    }
    if (b->depth == 0) {
        b->root = node;
        return 0;
    }
    if (b->n_nodes == b->cap_nodes) {
        size_t cap = b->cap_nodes == 0 ? 256 : b->cap_nodes * 2;
        void *p = mem_realloc(b->nodes, cap, sizeof(*b->nodes));
        if (p == NULL)
            return -ENOMEM;
        b->nodes = p;
        b->cap_nodes = cap;
    }
    b->nodes[b->n_nodes++] = node;
    return 0;
}

static int
check_tag(struct builder *b, const struct yaml_node *node,
          const yaml_char_t *tag)
{
    if (tag == NULL || strcmp((const char *)tag, "!") == 0)
        return 0;
    struct where w = yaml_where(node);
    errlist_error(b->errs, &w, "tags such as \"!!str\" are not understood");
    errlist_hint(b->errs, "remove it: what is expected here decides the type");
    return 0;
}

static int
on_alias(struct builder *b, const yaml_event_t *ev)
{
    /* Only for its place, or as a stand-in. */
    struct yaml_node *here = node_new(b, YAML_SCALAR, ev);
    if (here == NULL)
        return -ENOMEM;
    here->weight = 1;
    here->value = SLICE("");
    struct slice name = slice_from_str((const char *)ev->data.alias.anchor);
    struct anchor *anchor = anchor_find(b, name);
    if (anchor == NULL || anchor->node->weight == 0) {
        if (anchor != NULL)
            yaml_error(here, b->errs,
                       "alias \"%.*s\" stands inside of what it stands for",
                       SLICE_FMT(name));
        else if (!b->doc->broken) /* else it may be in what was skipped */
            yaml_error(here, b->errs, "there is no anchor \"&%.*s\" above",
                       SLICE_FMT(name));
        return add(b, here, 1, here);
    }
    return add(b, anchor->node, anchor->node->weight, here);
}

static int
on_scalar(struct builder *b, const yaml_event_t *ev)
{
    static const uint8_t styles[] = {
        [YAML_PLAIN_SCALAR_STYLE] = YAML_PLAIN,
        [YAML_SINGLE_QUOTED_SCALAR_STYLE] = YAML_SINGLE_QUOTED,
        [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YAML_DOUBLE_QUOTED,
        [YAML_LITERAL_SCALAR_STYLE] = YAML_LITERAL,
        [YAML_FOLDED_SCALAR_STYLE] = YAML_FOLDED,
    };
    struct yaml_node *node = node_new(b, YAML_SCALAR, ev);
    if (node == NULL)
        return -ENOMEM;
    node->style = styles[ev->data.scalar.style];
    node->weight = 1;
    node->n = 0;
    struct slice value =
        slice_new(ev->data.scalar.value, ev->data.scalar.length);
    if (arena_slice_dup(&b->doc->arena, value, &node->value) < 0)
        return -ENOMEM;
    if (ev->data.scalar.anchor != NULL || ev->data.scalar.tag != NULL)
        yaml_skip_properties(node, b->doc->text);
    b->last_scalar = node;
    if (value.n > YAML_SCALAR_MAX) {
        yaml_error(node, b->errs, "a value of more than 1 MiB");
        return STOP;
    }
    if (memchr(value.p, 0, value.n) != NULL)
        yaml_error(node, b->errs, "a NUL character in a value");
    (void)check_tag(b, node, ev->data.scalar.tag);
    int r = anchor_set(b, ev->data.scalar.anchor, node);
    return r < 0 ? r : add(b, node, 1, node);
}

static int
begin(struct builder *b, enum yaml_kind kind, const yaml_event_t *ev,
      const yaml_char_t *anchor, const yaml_char_t *tag)
{
    struct yaml_node *node = node_new(b, kind, ev);
    if (node == NULL)
        return -ENOMEM;
    if (anchor != NULL || tag != NULL)
        yaml_skip_properties(node, b->doc->text);
    (void)check_tag(b, node, tag);
    int r = anchor_set(b, anchor, node);
    if (r == 0)
        r = add(b, node, 1, node);
    if (r < 0)
        return r;
    if (b->depth == YAML_DEPTH_MAX) {
        yaml_error(node, b->errs, "more than %u levels deep", YAML_DEPTH_MAX);
        return STOP;
    }
    b->frames[b->depth++] = (struct frame){node, b->n_nodes};
    return 0;
}

static int
end(struct builder *b, const yaml_event_t *ev)
{
    struct frame f = b->frames[--b->depth];
    struct yaml_node *node = f.node;
    size_t n = b->n_nodes - f.first_child;
    const struct yaml_node *const *children =
        n == 0 ? NULL : b->nodes + f.first_child;
    size_t weight = 1;
    for (size_t i = 0; i < n; i++)
        weight += children[i]->weight;
    node->weight = (uint32_t)weight;
    b->n_nodes = f.first_child;

    /* A block's end is found at whatever comes next: too late. */
    char c = b->doc->text.p[node->start];
    if (n == 0 || c == '[' || c == '{') {
        node->end_line = b->first_line + (uint32_t)ev->end_mark.line;
        node->end_column = (uint32_t)ev->end_mark.column + 1;
        node->end = (uint32_t)mark_byte(b, &ev->end_mark);
    } else if (children[n - 1]->end >= node->end) {
        node->end_line = children[n - 1]->end_line;
        node->end_column = children[n - 1]->end_column;
        node->end = children[n - 1]->end;
    }
    if (node->kind == YAML_MAPPING)
        return yaml_fill_mapping(&b->doc->arena, node, children, n, b->errs);
    const struct yaml_node **items =
        arena_new_array(&b->doc->arena, const struct yaml_node *, n);
    if (items == NULL)
        return -ENOMEM;
    if (n > 0)
        memcpy(items, children, n * sizeof(*items));
    node->items = items;
    node->n = (uint32_t)n;
    return 0;
}

/* -------------------------------------------------------------- parser */

static int
read_text(void *data, unsigned char *buffer, size_t size, size_t *size_read)
{
    struct builder *b = data;
    size_t n = MIN(size, b->doc->text.n - b->read_byte);
    b->unanswered += n;
    if (b->unanswered > YAML_SCALAR_MAX + READ_AHEAD) {
        b->too_long = true;
        return 0;
    }
    if (n > 0)
        memcpy(buffer, b->doc->text.p + b->read_byte, n);
    b->read_byte += n;
    *size_read = n;
    return 1;
}

static int
on_document(struct builder *b, const yaml_event_t *ev)
{
    if (b->has_root) {
        struct where w = {.file = b->doc->path,
                          .line = b->first_line + (uint32_t)ev->start_mark.line,
                          .column = (uint32_t)ev->start_mark.column + 1};
        errlist_error(b->errs, &w, "a second document begins here");
        errlist_hint(b->errs, "one file holds one document: remove the "
                              "\"---\", or split the file");
        b->ended = true;
    }
    b->has_root = true;
    return 0;
}

static int
on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        return on_document(b, ev);
    case YAML_ALIAS_EVENT:
        return on_alias(b, ev);
    case YAML_SCALAR_EVENT:
        return on_scalar(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        return begin(b, YAML_SEQUENCE, ev, ev->data.sequence_start.anchor,
                     ev->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return begin(b, YAML_MAPPING, ev, ev->data.mapping_start.anchor,
                     ev->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return end(b, ev);
    case YAML_STREAM_END_EVENT:
        b->ended = true;
        return 0;
    default:
        return 0;
    }
}

static int
parser_failed(struct builder *b, const yaml_mark_t *last)
{
    if (b->parser.error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (b->too_long) {
        struct where w = {.file = b->doc->path,
                          .line = b->first_line + (uint32_t)last->line,
                          .column = (uint32_t)last->column + 1};
        errlist_error(b->errs, &w,
                      "a value or comment of more than 1 MiB follows");
        return STOP;
    }
    struct yaml_syntax s = {b->doc, &b->parser, b->first_line, b->last_scalar};
    yaml_syntax_error(&s, b->errs);
    if (!yaml_syntax_resume(&s, &b->first_byte, &b->first_line))
        return STOP;
    return SYNTAX;
}

static int
run_parser(struct builder *b)
{
    yaml_mark_t last = {0};
    while (!b->ended) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&b->parser, &ev))
            return parser_failed(b, &last);
        last = ev.end_mark;
        b->unanswered = 0;
        int r = on_event(b, &ev);
        yaml_event_delete(&ev);
        if (r < 0)
            return r;
    }
    return 0;
}

static int
parse_from(struct builder *b)
{
    b->read_byte = b->mark_byte = b->first_byte;
    b->mark_index = b->unanswered = 0;
    b->depth = b->n_nodes = 0;
    b->has_root = b->ended = false;
    b->last_scalar = NULL;
    if (!yaml_parser_initialize(&b->parser))
        return -ENOMEM;
    yaml_parser_set_encoding(&b->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input(&b->parser, read_text, b);
    int r = run_parser(b);
    yaml_parser_delete(&b->parser);
    return r;
}

int
yaml_build(struct yaml_doc *doc, struct errlist *errs)
{
    struct builder b = {.doc = doc, .errs = errs, .first_line = 1};
    table_init(&b.anchor_table, YAML_ANCHORS_MAX);
    int r;
    unsigned failed = 0;
    do {
        r = parse_from(&b);
        doc->broken |= r < 0;
    } while (r == SYNTAX && ++failed < SYNTAX_ERRORS_MAX);
    table_fini(&b.anchor_table);
    mem_free(b.nodes);
    if (!doc->broken && b.root != NULL)
        doc->root = b.root;
    return r == -ENOMEM ? r : 0;
}
