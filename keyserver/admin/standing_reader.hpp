// What the registers of certificates are read from.
#pragma once

#include "keyserver/protocols/certificate_register.hpp"
#include "keyserver/store/admins.hpp"
#include "keyserver/store/devices.hpp"

namespace nae::admin {

// The store must outlive the readers.
protocols::CertificateRegister::Reader device_reader(store::Devices& store);
protocols::CertificateRegister::Reader admin_reader(store::Admins& store);

}  // namespace nae::admin
