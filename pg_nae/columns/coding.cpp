#include "pg_nae/columns/coding.hpp"

#include <algorithm>

#include "pg_nae/columns/column_type.hpp"

extern "C" {
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
}

namespace nae::columns {
namespace {

// Arguments of the trigger: key, normalization, version, context and purpose.
constexpr int kArguments = 5;
// Of format 1, whose codes name no version: key and normalization.
constexpr int kArgumentsBefore = 2;

bool is_search_name(std::string_view name) {
  return name.ends_with("_search_index");
}

// The name is that of nae_internal.coded_column in install/0.2.0/blind_index.sql.
bool keeps_codes(const Trigger& trigger) {
  const std::string_view name = trigger.tgname;
  return trigger.tgnattr == 2 &&
         (trigger.tgnargs == kArgumentsBefore || trigger.tgnargs == kArguments) &&
         name.starts_with("zzz_nae_") && (name.ends_with("_blind_index") || is_search_name(name));
}

// As TriggerEnabled() of trigger.c has it.
bool fires(const Trigger& trigger) {
  const char other = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA
                         ? TRIGGER_FIRES_ON_ORIGIN
                         : TRIGGER_FIRES_ON_REPLICA;
  return trigger.tgenabled != TRIGGER_DISABLED && trigger.tgenabled != other;
}

bool is_beside(const Trigger& trigger, const Trigger& other) {
  return trigger.tgnattr == 2 && other.tgnattr == 2 && trigger.tgattr[0] == other.tgattr[0] &&
         trigger.tgattr[1] == other.tgattr[1];
}

// Before the trigger stands the one that writes what is known: nae_internal.take_code(), by its
// name.
bool has_taker(const TriggerDesc& triggers, const Trigger& coding) {
  const std::string_view code_name = is_search_name(coding.tgname) ? "_search_code" : "_blind_code";
  for (int i = 0; i < triggers.numtriggers; ++i) {
    const Trigger& trigger = triggers.triggers[i];
    if (is_beside(trigger, coding) && fires(trigger) &&
        std::string_view(trigger.tgname).ends_with(code_name))
      return true;
  }
  return false;
}

// Whether the trigger fires that codes values which are replaced:
// nae_internal.blind_index_triggers().
bool has_updater(const TriggerDesc& triggers, const Trigger& coding) {
  for (int i = 0; i < triggers.numtriggers; ++i) {
    const Trigger& trigger = triggers.triggers[i];
    if (trigger.tgfoid == coding.tgfoid && trigger.tgnargs == 0 && trigger.tgnattr == 0 &&
        fires(trigger) && TRIGGER_FOR_BEFORE(trigger.tgtype) && TRIGGER_FOR_UPDATE(trigger.tgtype))
      return true;
  }
  return false;
}

// False where the column is not of a type whose values are coded.
bool read_coding(Relation relation, const Trigger& trigger, Coding& coding) {
  if (trigger.tgnargs != kArguments) return false;
  const auto* attribute = TupleDescAttr(RelationGetDescr(relation), trigger.tgattr[0] - 1);
  int32 typmod = attribute->atttypmod;
  getBaseTypeAndTypmod(attribute->atttypid, &typmod);
  const ColumnType* type = find_column_type(attribute->atttypid);
  if (type == nullptr || typmod < 0) return false;
  const auto name_of = [&](AttrNumber number) {
    return NameStr(TupleDescAttr(RelationGetDescr(relation), number - 1)->attname);
  };
  coding.column = trigger.tgattr[0];
  coding.code_column = trigger.tgattr[1];
  coding.column_name = name_of(coding.column);
  coding.code_column_name = name_of(coding.code_column);
  coding.function = trigger.tgfoid;
  coding.type = type->plain;
  coding.decrypt = type->decrypt_whole;
  coding.of = &column_key(typmod);
  coding.is_search = is_search_name(trigger.tgname);
  coding.key = trigger.tgargs[0];
  coding.normalization = trigger.tgargs[1];
  coding.version = trigger.tgargs[2];
  coding.context = trigger.tgargs[3];
  coding.purpose = trigger.tgargs[4];
  return true;
}

std::string_view copy_of(std::string_view text) {
  return {pnstrdup(text.data(), text.size()), text.size()};
}

Coding* copy_of(const Coding& coding) {
  auto* copy = static_cast<Coding*>(palloc(sizeof(Coding)));
  *copy = coding;
  for (std::string_view* text :
       {&copy->key, &copy->normalization, &copy->version, &copy->context, &copy->purpose})
    *text = copy_of(*text);
  copy->column_name = pstrdup(coding.column_name);
  copy->code_column_name = pstrdup(coding.code_column_name);
  return copy;
}

}  // namespace

bool Coding::is_of(const Trigger& trigger) const {
  if (function != trigger.tgfoid || trigger.tgnargs != kArguments) return false;
  const auto own = words();
  return std::equal(own.begin(), own.end(), trigger.tgargs);
}

const Trigger* find_coding_trigger(Relation relation, AttrNumber column) {
  const TriggerDesc* triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i)
    if (keeps_codes(triggers->triggers[i]) && triggers->triggers[i].tgattr[0] == column &&
        !is_search_name(triggers->triggers[i].tgname))
      return &triggers->triggers[i];
  return nullptr;
}

bool find_search(Relation relation, AttrNumber column, Coding& coding) {
  const TriggerDesc* triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    const Trigger& trigger = triggers->triggers[i];
    if (keeps_codes(trigger) && trigger.tgattr[0] == column && is_search_name(trigger.tgname) &&
        fires(trigger) && has_updater(*triggers, trigger) && read_coding(relation, trigger, coding))
      return true;
  }
  return false;
}

List* codings_of(Relation relation) {
  const TriggerDesc* triggers = relation->trigdesc;
  List* codings = NIL;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    const Trigger& trigger = triggers->triggers[i];
    Coding coding;
    if (keeps_codes(trigger) && fires(trigger) && has_taker(*triggers, trigger) &&
        read_coding(relation, trigger, coding))
      codings = lappend(codings, copy_of(coding));
  }
  return codings;
}

bool has_codings(Relation relation) {
  const TriggerDesc* triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i)
    if (keeps_codes(triggers->triggers[i])) return true;
  return false;
}

const Trigger* find_coding_trigger_beside(Relation relation, const Trigger& trigger) {
  const TriggerDesc* triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; ++i) {
    const Trigger& other = triggers->triggers[i];
    if (keeps_codes(other) && fires(other) && is_beside(trigger, other)) return &other;
  }
  return nullptr;
}

}  // namespace nae::columns
