/** By either name clients ask for OpenAPI 2.0 as protobuf; kubectl 1.27 reads no other form. */
export const isOpenApi2Protobuf = (accept = ''): boolean =>
  /application\/com\.github\.proto-openapi\.spec\.v2[@.]v1\.0\+protobuf/.test(accept)

export const OPENAPI2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
