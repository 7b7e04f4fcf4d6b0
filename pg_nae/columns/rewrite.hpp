// Rewrite: what a query says of encrypted columns, put into words that PostgreSQL can plan. Types
// do not change: whoever uses the query's result sees what the parser has promised.
//
// A comparison of a deterministic column becomes one of ciphertexts, so that an index serves it;
// what asks for an order, and every comparison of randomized columns, becomes one of plaintexts.
// What can be neither is refused.
#pragma once

#include "pg_nae/columns/expressions.hpp"

namespace nae::columns {

// A query as it enters the planner, views and policies expanded. The query itself when it mentions
// no encrypted column.
Query* rewritten(Query* query);
// One expression over the columns of one table, which no query is around: of COPY's WHERE.
Node* rewritten(Node* expression);

bool mentions_encrypted(Query* query);

// Where an expression stands.
struct QueryLevel {
  Query* query;              // nullptr: an expression by itself
  QueryLevel* outer;         // of a sub-select; nullptr
  bool may_sublink;          // one may be put in
  bool has_sublink = false;  // one was
};

// One node whose operands are done: comparison, or conversion and argument.
Node* compared(Node* node, QueryLevel& level);   // =, <>, IN, IS DISTINCT FROM, NULLIF, GREATEST
Node* converted(Node* node, QueryLevel& level);  // casts, arguments of functions that take any type
// What a sub-select's outputs are decrypted for is decrypted in it.
void put_out_plaintexts(SubLink* sublink);
// Of an encrypted jsonb, read or assigned to.
Node* converted_subscript(SubscriptingRef* node);

}  // namespace nae::columns
