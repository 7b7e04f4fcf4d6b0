#include "pg_nae/columns/plain_cast.hpp"

namespace nae::columns {
namespace {

struct ElementType {
  Oid type;
  int16 length;
  bool by_value;
  char alignment;
};

struct Cast {
  CoercionPathType path;
  FmgrInfo function;  // the cast, or the output function
  FmgrInfo input;     // by text
  Oid input_parameter;
  // Of arrays: what casts each element, nullptr where it stays as it is.
  const Cast* element;
  ElementType from, to;
};

ElementType element_type(Oid array) {
  ElementType element{get_element_type(array), 0, false, 0};
  get_typlenbyvalalign(element.type, &element.length, &element.by_value, &element.alignment);
  return element;
}

Cast* find_cast(Oid source, Oid target, MemoryContext memory) {
  auto* cast = static_cast<Cast*>(MemoryContextAllocZero(memory, sizeof(Cast)));
  Oid function;
  cast->path = find_coercion_pathway(target, source, COERCION_EXPLICIT, &function);
  if (cast->path == COERCION_PATH_NONE) elog(ERROR, "no cast from type %u to %u", source, target);
  switch (cast->path) {
    case COERCION_PATH_NONE:
    case COERCION_PATH_RELABELTYPE:
      return cast;
    case COERCION_PATH_ARRAYCOERCE:
      cast->from = element_type(source);
      cast->to = element_type(target);
      if (cast->from.type != cast->to.type)
        cast->element = find_cast(cast->from.type, cast->to.type, memory);
      return cast;
    case COERCION_PATH_COERCEVIAIO: {
      bool is_varlena;
      Oid input;
      getTypeOutputInfo(source, &function, &is_varlena);
      getTypeInputInfo(target, &input, &cast->input_parameter);
      fmgr_info_cxt(input, &cast->input, memory);
      break;
    }
    case COERCION_PATH_FUNC:
      break;
  }
  fmgr_info_cxt(function, &cast->function, memory);
  return cast;
}

Datum applied(const Cast& cast, Datum value);

Datum applied_to_array(const Cast& cast, Datum value) {
  ArrayType* array = DatumGetArrayTypeP(value);
  const ElementType &from = cast.from, &to = cast.to;
  Datum* datums;
  bool* nulls;
  int count;
  deconstruct_array(array, from.type, from.length, from.by_value, from.alignment, &datums, &nulls,
                    &count);
  for (int i = 0; i < count; ++i)
    if (!nulls[i] && cast.element != nullptr) datums[i] = applied(*cast.element, datums[i]);
  return PointerGetDatum(construct_md_array(datums, nulls, ARR_NDIM(array), ARR_DIMS(array),
                                            ARR_LBOUND(array), to.type, to.length, to.by_value,
                                            to.alignment));
}

Datum applied(const Cast& cast, Datum value) {
  switch (cast.path) {
    case COERCION_PATH_COERCEVIAIO:
      return InputFunctionCall(const_cast<FmgrInfo*>(&cast.input),
                               OutputFunctionCall(const_cast<FmgrInfo*>(&cast.function), value),
                               cast.input_parameter, -1);
    case COERCION_PATH_FUNC:
      return FunctionCall1(const_cast<FmgrInfo*>(&cast.function), value);
    case COERCION_PATH_ARRAYCOERCE:
      return applied_to_array(cast, value);
    default:
      return value;
  }
}

}  // namespace

Datum cast_value(FunctionCallInfo fcinfo, Datum value, Oid source, Oid target) {
  if (source == target) return value;
  auto*& cast = reinterpret_cast<Cast*&>(fcinfo->flinfo->fn_extra);
  if (cast == nullptr) cast = find_cast(source, target, fcinfo->flinfo->fn_mcxt);
  return applied(*cast, value);
}

}  // namespace nae::columns
