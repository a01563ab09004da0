/* shapes_private.h - how the tables of shapes are written, and the shapes that several of them use. For shapes*.c only.
 *
 *     #define KEY_ELEMENT(M) M(AttributeName, attribute_name, NEEDED) M(KeyType, key_type, NEEDED)
 *     STRUCTURE(key_element, "KeySchemaElement", KEY_ELEMENT)
 *
 * makes shape_key_element of that table of members. */
#ifndef LEAT_GATEWAY_SHAPES_PRIVATE_H
#define LEAT_GATEWAY_SHAPES_PRIVATE_H

#include "gateway/shapes.h"

#define MEMBER(name_, of, need_) {#name_, sizeof #name_ - 1, &shape_##of, SHAPE_##need_},

/* share: "static const", or "const" for what a header declares. */
#define STRUCTURE_AS(share, symbol, type_, MEMBERS)                                                                            \
    static const struct shape_member symbol##_members[] = {MEMBERS(MEMBER)};                                                   \
    share struct shape shape_##symbol = {.kind = SHAPE_STRUCTURE,                                                              \
                                         .type = type_,                                                                        \
                                         .min = SHAPE_NO_MIN,                                                                  \
                                         .max = SHAPE_NO_MAX,                                                                  \
                                         .members = symbol##_members,                                                          \
                                         .count = sizeof symbol##_members / sizeof symbol##_members[0]};
#define STRUCTURE(symbol, type_, MEMBERS) STRUCTURE_AS(static const, symbol, type_, MEMBERS)
#define INPUT(symbol, MEMBERS) STRUCTURE_AS(const, symbol, #symbol, MEMBERS)
#define OUTPUT(symbol, MEMBERS) STRUCTURE_AS(const, symbol, #symbol, MEMBERS)

#define TEXT_AS(share, symbol, words_, min_, max_, table_name_)                                                                \
    share struct shape shape_##symbol = {                                                                                      \
        .kind = SHAPE_STRING, .type = "String", .words = words_, .min = min_, .max = max_, .table_name = table_name_};
#define TEXT(symbol, min_, max_) TEXT_AS(static const, symbol, NULL, min_, max_, false)
#define WORDS(symbol, words_) TEXT_AS(static const, symbol, words_, SHAPE_NO_MIN, SHAPE_NO_MAX, false)

#define SCALAR_AS(share, symbol, kind_, type_, min_, max_)                                                                     \
    share struct shape shape_##symbol = {.kind = kind_, .type = type_, .min = min_, .max = max_};
#define INTEGER(symbol, min_, max_) SCALAR_AS(static const, symbol, SHAPE_INTEGER, "Integer", min_, max_)
#define LONG(symbol, min_, max_) SCALAR_AS(static const, symbol, SHAPE_LONG, "Long", min_, max_)

#define LIST_AS(share, symbol, element_, min_, max_)                                                                           \
    share struct shape shape_##symbol = {.kind = SHAPE_LIST, .min = min_, .max = max_, .element = &shape_##element_};
#define LIST(symbol, element_, min_, max_) LIST_AS(static const, symbol, element_, min_, max_)
#define MAP(symbol, type_, key_, element_, min_, max_)                                                                         \
    static const struct shape shape_##symbol = {                                                                               \
        .kind = SHAPE_MAP, .type = type_, .min = min_, .max = max_, .element = &shape_##element_, .key = &shape_##key_};

#define NO_MIN SHAPE_NO_MIN
#define NO_MAX SHAPE_NO_MAX
/* Types of maps in serialization errors. */
#define MAP_OF(name) "java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810." name ">"
#define MAP_OF_STRINGS "java.util.Map<java.lang.String, java.lang.String>"

/* Defined in shapes.c. */
extern const struct shape shape_any_text, shape_boolean, shape_positive, shape_positive_long, shape_moment, shape_plain;
extern const struct shape shape_table_name, shape_index_name, shape_name_map, shape_names_to_get, shape_request_token;
extern const struct shape shape_capacity_word, shape_metrics_word, shape_failure_word;
extern const struct shape shape_attribute, shape_item, shape_attribute_list;

#endif
