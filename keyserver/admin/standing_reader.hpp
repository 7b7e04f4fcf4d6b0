// What the registers of certificates are read from.
#pragma once

#include "keyserver/service/certificate_register.hpp"
#include "keyserver/store/store.hpp"

namespace nae::admin {

// The store must outlive the readers.
service::CertificateRegister::Reader device_reader(store::Store& store);
service::CertificateRegister::Reader admin_reader(store::Store& store);

}  // namespace nae::admin
