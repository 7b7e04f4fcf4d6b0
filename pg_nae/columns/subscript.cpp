// doc['key'] of an encrypted jsonb, tags[1] of an encrypted array: resolved as of the plaintext,
// and converted to it before it is planned (conversion.cpp).
#include "pg_nae/columns/rewrite.hpp"
#include "pg_nae/pg/report.hpp"

namespace nae::columns {
namespace {

// Says the same types as for the plaintext: those of elements and of slices are plaintext types.
void transform(SubscriptingRef* reference, List* subscripts, ParseState* state, bool is_slice,
               bool is_assignment) {
  const ColumnType& type = column_type(reference->refcontainertype);
  Oid element;
  const SubscriptRoutines* routines = getSubscriptingRoutines(plain_oid(type.plain), &element);
  if (routines == nullptr) elog(ERROR, "type %u has no subscripts", plain_oid(type.plain));
  reference->refelemtype = element;
  routines->transform(reference, subscripts, state, is_slice, is_assignment);
  if (is_slice) reference->refrestype = plain_oid(type.plain);
}

void refuse_execution(const SubscriptingRef*, SubscriptingRefState*, SubscriptExecSteps*) {
  pg::raise(
      Code::unsupported, "an encrypted value has no subscripts as it is stored",
      "Cast the column to its plaintext type, as in (doc::jsonb)['key'] or (tags::text[])[1].");
}

constexpr SubscriptRoutines kRoutines = {.transform = transform,
                                         .exec_setup = refuse_execution,
                                         .fetch_strict = true,
                                         .fetch_leakproof = false,
                                         .store_leakproof = false};

}  // namespace

Node* converted_subscript(SubscriptingRef* node) {
  const ColumnType* type = find_column_type(node->refcontainertype);
  if (type == nullptr) return reinterpret_cast<Node*>(node);
  SubscriptingRef* result = pg::flat_copy(node);
  auto* container = reinterpret_cast<Node*>(node->refexpr);
  if (type_of(container) != nullptr)
    result->refexpr = reinterpret_cast<Expr*>(decrypted(container));
  result->refcontainertype = plain_oid(type->plain);
  result->refelemtype = get_element_type(result->refcontainertype);
  if (node->refrestype == node->refcontainertype) result->refrestype = result->refcontainertype;
  result->reftypmod = -1;
  if (node->refassgnexpr == nullptr) return reinterpret_cast<Node*>(result);
  return stored_again(reinterpret_cast<Node*>(result), *type, node->reftypmod);
}

}  // namespace nae::columns

NAE_FUNCTION(nae_subscript) {
  PG_RETURN_POINTER(&nae::columns::kRoutines);
}
