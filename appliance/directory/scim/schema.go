package scim

import "strings"

// The schemas that are spoken.
const (
	userSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	listSchema       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorSchema      = "urn:ietf:params:scim:api:messages:2.0:Error"
	patchSchema      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	searchSchema     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	bulkRequest      = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponse     = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

func schemaNames() []string { return []string{userSchema, groupSchema, enterpriseSchema} }

func coreSchema(urn string) bool {
	return strings.EqualFold(urn, userSchema) || strings.EqualFold(urn, groupSchema)
}

// multiValued are the attributes that are lists.
func multiValued(name string) bool {
	for _, known := range []string{"emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "roles", "x509Certificates", "members", "groups"} {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// readOnly are the attributes that the server alone writes.
func readOnly(name string) bool {
	for _, known := range []string{"id", "meta", "groups"} {
		if strings.EqualFold(name, known) {
			return true
		}
	}
	return false
}

// attribute describes one attribute as /Schemas does.
func attribute(name, kind string, more map[string]any) map[string]any {
	a := map[string]any{"name": name, "type": kind, "multiValued": false, "description": name, "required": false, "caseExact": false,
		"mutability": "readWrite", "returned": "default", "uniqueness": "none"}
	for k, v := range more {
		a[k] = v
	}
	return a
}

// schemas are the answers of /Schemas.
func schemas() []map[string]any {
	plain := func(names ...string) []any {
		var list []any
		for _, n := range names {
			list = append(list, attribute(n, "string", nil))
		}
		return list
	}
	valued := append(plain("value", "display", "type"), attribute("primary", "boolean", nil))
	reference := []any{attribute("value", "string", map[string]any{"mutability": "immutable"}), attribute("$ref", "reference", map[string]any{"mutability": "immutable", "referenceTypes": []string{"User", "Group"}}), attribute("display", "string", map[string]any{"mutability": "readOnly"})}
	return []map[string]any{
		{"id": userSchema, "name": "User", "description": "A person", "schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "attributes": append(append([]any{
			attribute("userName", "string", map[string]any{"required": true, "uniqueness": "server"}),
			attribute("name", "complex", map[string]any{"subAttributes": plain("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")}),
		}, plain("displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "externalId")...),
			attribute("active", "boolean", nil),
			attribute("emails", "complex", map[string]any{"multiValued": true, "subAttributes": valued}),
			attribute("phoneNumbers", "complex", map[string]any{"multiValued": true, "subAttributes": valued}),
			attribute("roles", "complex", map[string]any{"multiValued": true, "subAttributes": valued}),
			attribute("groups", "complex", map[string]any{"multiValued": true, "mutability": "readOnly", "subAttributes": reference}),
		)},
		{"id": groupSchema, "name": "Group", "description": "A group of people", "schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "attributes": []any{
			attribute("displayName", "string", map[string]any{"required": true}), attribute("externalId", "string", map[string]any{"caseExact": true}),
			attribute("members", "complex", map[string]any{"multiValued": true, "subAttributes": reference}),
		}},
		{"id": enterpriseSchema, "name": "EnterpriseUser", "description": "What an employer says of a person", "schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"},
			"attributes": append(plain("employeeNumber", "costCenter", "organization", "division", "department"),
				attribute("manager", "complex", map[string]any{"subAttributes": plain("value", "$ref", "displayName")}))},
	}
}

func resourceTypes() []map[string]any {
	const of = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	return []map[string]any{
		{"schemas": []string{of}, "id": "User", "name": "User", "endpoint": "/Users", "schema": userSchema, "description": "A person",
			"schemaExtensions": []any{map[string]any{"schema": enterpriseSchema, "required": false}}, "meta": map[string]any{"resourceType": "ResourceType", "location": base + "/ResourceTypes/User"}},
		{"schemas": []string{of}, "id": "Group", "name": "Group", "endpoint": "/Groups", "schema": groupSchema, "description": "A group of people",
			"meta": map[string]any{"resourceType": "ResourceType", "location": base + "/ResourceTypes/Group"}},
	}
}

func providerConfig() map[string]any {
	yes := map[string]any{"supported": true}
	return map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":   yes, "sort": yes, "etag": yes, "changePassword": map[string]any{"supported": false},
		"bulk":                  map[string]any{"supported": true, "maxOperations": maxBulk, "maxPayloadSize": maxBody},
		"filter":                map[string]any{"supported": true, "maxResults": maxCount},
		"authenticationSchemes": []any{map[string]any{"type": "oauthbearertoken", "name": "Bearer token", "description": "The token of a client, made by an administrator", "primary": true}},
		"meta":                  map[string]any{"resourceType": "ServiceProviderConfig", "location": base + "/ServiceProviderConfig"},
	}
}
