#include "pg_nae/batch/call.hpp"

#ifdef NAE_BATCH_FUZZ
#include "pg_nae/batch/fuzz.hpp"
#endif

namespace nae::batch {
namespace {

AclResult may_execute(Oid function) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);
#else
  return pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);
#endif
}

// The executor checks functions as it prepares expressions; it prepares none for these calls.
void check_permission(Oid function) {
  AclResult result = may_execute(function);
  if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
  InvokeFunctionExecuteHook(function);
}

const Batchable* how_to(Oid function) {
#ifdef NAE_BATCH_FUZZ
  if (is_fuzzed(function)) return nullptr;
#endif
  const Batchable* how = find_batchable(function);
  if (how == nullptr) elog(ERROR, "function %u cannot be batched any more", function);
  return how;
}

}  // namespace

void prepare_call(const CustomScan* batch, int number, Call& call) {
  call.expression = list_nth_node(FuncExpr, calls_of(batch), number);
  call.shape = call_shape(batch, number);
  check_permission(call.expression->funcid);
  call.how = how_to(call.expression->funcid);
  fmgr_info(call.expression->funcid, &call.function);
  fmgr_info_set_expr(reinterpret_cast<Node*>(call.expression), &call.function);
  get_typlenbyval(call.expression->funcresulttype, &call.result_length, &call.result_by_value);
  int position = 0;
  ListCell* cell;
  foreach (cell, call.expression->args) {
    if (call.shape.columns[position] == 0) {
      auto* constant = lfirst_node(Const, cell);
      call.constants[position] = constant->constvalue;
      call.never = call.never || constant->constisnull;
    }
    ++position;
  }
}

bool gather_arguments(const Call& call, const Datum* columns, const bool* nulls, Datum* arguments) {
  if (call.never) return false;
  for (int i = 0; i < call.shape.argument_count; ++i) {
    int column = call.shape.columns[i];
    if (column != 0 && nulls[column - 1]) return false;
    arguments[i] = column == 0 ? call.constants[i] : columns[column - 1];
  }
  return true;
}

Datum call_directly(Call& call, const Datum* arguments, bool& is_null) {
  LOCAL_FCINFO(info, CallShape::kMaxArguments);
  InitFunctionCallInfoData(*info, &call.function, static_cast<short>(call.shape.argument_count),
                           call.expression->inputcollid, nullptr, nullptr);
  for (int i = 0; i < call.shape.argument_count; ++i) {
    info->args[i].value = arguments[i];
    info->args[i].isnull = false;
  }
  Datum result = FunctionCallInvoke(info);
  is_null = info->isnull;
  return result;
}

}  // namespace nae::batch
