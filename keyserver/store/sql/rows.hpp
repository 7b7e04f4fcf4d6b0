// Rows of the tables beside those about keys, read.
#pragma once

#include <optional>
#include <vector>

#include "keyserver/policy/repository.hpp"
#include "keyserver/store/admins.hpp"
#include "keyserver/store/approval.hpp"
#include "keyserver/store/devices.hpp"
#include "keyserver/store/sql/database.hpp"

namespace nae::store::sql {

Result<std::optional<policy::Revision>> find_policy(Database& database, std::uint32_t number);
Result<std::vector<policy::Revision>> read_policies(Database& database);  // ascending

Result<std::optional<DeviceCertificate>> find_device(Database& database,
                                                     std::string_view fingerprint);
Result<std::vector<DeviceCertificate>> read_devices(Database& database);  // by name

Result<std::optional<Admin>> find_admin_row(Database& database, std::string_view name);
Result<std::vector<Admin>> read_all_admins(Database& database);  // by name

Result<std::optional<Approval>> find_approval_row(Database& database, std::string_view id);
Result<std::vector<Approval>> read_approvals(Database& database);  // whole ones

}  // namespace nae::store::sql
