package main

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "penstock.dev", Version: "v1alpha1"}

// Reference names an object or a Secret of the same namespace.
type Reference struct {
	Name string `json:"name"`
}

// SourceSpec is what the bench's Sources say.
type SourceSpec struct {
	BackboneRef Reference `json:"backboneRef"`
	Postgres    struct {
		Host                 string    `json:"host"`
		Database             string    `json:"database"`
		CredentialsSecretRef Reference `json:"credentialsSecretRef"`
	} `json:"postgres"`
	Tables []Reference `json:"tables"`
}

// Resource is an entry of the ledger.
type Resource struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	OnRemove string `json:"onRemove"`
}

// SourceStatus is the part of a Source's status that a cold start fills.
type SourceStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
	Resources          []Resource         `json:"resources,omitempty"`
	Connector          *ConnectorStatus   `json:"connector,omitempty"`
}

// ConnectorStatus is what Kafka Connect says of the connector.
type ConnectorStatus struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// Source is a database's changes, captured into topics.
type Source struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              SourceSpec   `json:"spec"`
	Status            SourceStatus `json:"status,omitempty"`
}

// SourceList is what the API server lists.
type SourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []Source `json:"items"`
}

// Backbone is the Kafka and the Connect that Sources stand on.
type Backbone struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Status            BackboneStatus `json:"status,omitempty"`
}

// BackboneStatus is the part of a Backbone's status that a cold start fills.
type BackboneStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// BackboneList is what the API server lists.
type BackboneList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []Backbone `json:"items"`
}

// DeepCopyObject copies what a reconcile may change.
func (s *Source) DeepCopyObject() runtime.Object {
	copied := *s
	copied.ObjectMeta = *s.ObjectMeta.DeepCopy()
	copied.Spec.Tables = slices.Clone(s.Spec.Tables)
	copied.Status.Conditions = slices.Clone(s.Status.Conditions)
	copied.Status.Resources = slices.Clone(s.Status.Resources)
	if s.Status.Connector != nil {
		connector := *s.Status.Connector
		copied.Status.Connector = &connector
	}
	return &copied
}

// DeepCopyObject copies what a reconcile may change.
func (b *Backbone) DeepCopyObject() runtime.Object {
	copied := *b
	copied.ObjectMeta = *b.ObjectMeta.DeepCopy()
	copied.Status.Conditions = slices.Clone(b.Status.Conditions)
	return &copied
}

// DeepCopyObject copies every item.
func (l *SourceList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.Items = make([]Source, len(l.Items))
	for index := range l.Items {
		copied.Items[index] = *l.Items[index].DeepCopyObject().(*Source)
	}
	return &copied
}

// DeepCopyObject copies every item.
func (l *BackboneList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.Items = make([]Backbone, len(l.Items))
	for index := range l.Items {
		copied.Items[index] = *l.Items[index].DeepCopyObject().(*Backbone)
	}
	return &copied
}

func addTypes(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(groupVersion, &Source{}, &SourceList{}, &Backbone{}, &BackboneList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
}
