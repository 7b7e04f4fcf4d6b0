// What the service's register of devices is read from.
#pragma once

#include "keyserver/service/device_register.hpp"
#include "keyserver/store/store.hpp"

namespace nae::admin {

// The store must outlive the reader.
service::DeviceRegister::Reader device_reader(store::Store& store);

}  // namespace nae::admin
