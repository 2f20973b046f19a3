package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	finalizer = "penstock.dev/cleanup"
	requeue   = 5 * time.Second
)

type sourceReconciler struct {
	client.Client
	secrets client.Reader
	outside *outside
	events  record.EventRecorder
}

type connectorView struct {
	Status struct {
		Connector struct {
			State string `json:"state"`
		} `json:"connector"`
	} `json:"status"`
}

// Reconcile makes a Source so: ledger, topics, publication, slot, connector, status.
func (r *sourceReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var source Source
	if err := r.Get(ctx, request.NamespacedName, &source); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	before := source.DeepCopyObject().(*Source)
	if controllerutil.AddFinalizer(&source, finalizer) {
		if err := r.Patch(ctx, &source, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return reconcile.Result{}, err
		}
	}
	backbone := &Backbone{}
	key := client.ObjectKey{Namespace: source.Namespace, Name: source.Spec.BackboneRef.Name}
	if err := r.Get(ctx, key, backbone); err != nil {
		return reconcile.Result{}, err
	}
	if !meta.IsStatusConditionTrue(backbone.Status.Conditions, "Ready") {
		// Its change wakes the Sources on it.
		return reconcile.Result{}, nil
	}
	if err := r.login(ctx, &source); err != nil {
		return reconcile.Result{}, err
	}
	if err := r.record(ctx, &source); err != nil {
		return reconcile.Result{}, err
	}
	view, err := r.converge(ctx, &source)
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: requeue}, r.report(ctx, &source, view)
}

// login looks at the Secret again every 15 seconds, all Sources of a namespace together.
func (r *sourceReconciler) login(ctx context.Context, source *Source) error {
	key := client.ObjectKey{Namespace: source.Namespace, Name: source.Spec.Postgres.CredentialsSecretRef.Name}
	secret, err := shared(r.outside, "secret "+key.String(), settled, time.Time{}, func() (*corev1.Secret, error) {
		var found corev1.Secret
		err := r.secrets.Get(ctx, key, &found)
		return &found, err
	})
	if err == nil && len(secret.Data["password"]) == 0 {
		return fmt.Errorf("Secret %s has no password", key)
	}
	return err
}

func (r *sourceReconciler) names(source *Source) (connector, publication string, topics []string) {
	connector = source.Namespace + "." + source.Name
	publication = strings.ReplaceAll(source.Namespace+"_"+source.Name, "-", "_")
	topics = []string{"__debezium-heartbeat." + connector, connector + ".signals"}
	for _, table := range source.Spec.Tables {
		topics = append(topics, connector+"."+table.Name)
	}
	return connector, publication, topics
}

// record writes what is going to be made into the ledger, before anything is.
func (r *sourceReconciler) record(ctx context.Context, source *Source) error {
	if len(source.Status.Resources) > 0 {
		return nil
	}
	before := source.DeepCopyObject().(*Source)
	connector, publication, _ := r.names(source)
	source.Status.Resources = []Resource{
		{Kind: "TopicSet", Name: connector + ".", OnRemove: "Retain"},
		{Kind: "Publication", Name: publication, OnRemove: "Delete"},
		{Kind: "ReplicationSlot", Name: publication, OnRemove: "Delete"},
		{Kind: "Connector", Name: connector, OnRemove: "Delete"},
	}
	r.condition(source, "Ready", metav1.ConditionFalse, "Progressing", "being made")
	return r.Status().Patch(ctx, source, client.MergeFrom(before))
}

func (r *sourceReconciler) converge(ctx context.Context, source *Source) (connectorView, error) {
	site := source.Spec.BackboneRef.Name
	connector, publication, topics := r.names(source)
	if err := r.tables(ctx, source); err != nil {
		return connectorView{}, err
	}
	if err := r.topics(ctx, site, topics); err != nil {
		return connectorView{}, err
	}
	if err := r.publication(ctx, source, publication); err != nil {
		return connectorView{}, err
	}
	view, found, err := r.look(ctx, site, connector, time.Time{})
	if err != nil || found {
		return view, err
	}
	config := map[string]string{
		"name": connector, "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
		"slot.name": publication, "publication.name": publication, "topic.prefix": connector,
		"database.hostname": source.Spec.Postgres.Host, "database.dbname": source.Spec.Postgres.Database,
		"table.include.list": source.Spec.Tables[0].Name,
	}
	path := "/connect/" + site
	if err := r.outside.ask(ctx, "PUT", path+"/connector-plugins/Postgres/config/validate", config, nil); err != nil {
		return view, err
	}
	writtenAt := time.Now()
	made := map[string]any{"name": connector, "config": config, "initial_state": "RUNNING"}
	if err := r.outside.ask(ctx, "POST", path+"/connectors", made, nil); err != nil {
		return view, err
	}
	view, _, err = r.look(ctx, site, connector, writtenAt)
	if err != nil {
		return view, err
	}
	return view, r.outside.ask(ctx, "GET", path+"/connectors/"+connector+"/offsets", nil, nil)
}

func (r *sourceReconciler) tables(ctx context.Context, source *Source) error {
	host, names := source.Spec.Postgres.Host, []string{}
	for _, table := range source.Spec.Tables {
		names = append(names, table.Name)
	}
	key := "catalogue " + host + strings.Join(names, " ")
	_, err := shared(r.outside, key, settled, time.Time{}, func() ([]row, error) {
		if _, err := r.outside.query(ctx, host, "select … from pg_attribute", names); err != nil {
			return nil, err
		}
		return r.outside.query(ctx, host, "select … from pg_class", names)
	})
	return err
}

func (r *sourceReconciler) topics(ctx context.Context, site string, topics []string) error {
	key := "topics " + site + " " + topics[0]
	for after := (time.Time{}); ; after = time.Now() {
		found, err := shared(r.outside, key, settled, after, func() (entries, error) {
			var described, settings entries
			if err := r.outside.kafka(ctx, site, "describeTopics", &described, topics); err != nil {
				return described, err
			}
			return described, r.outside.kafka(ctx, site, "topicSettings", &settings, topics)
		})
		if err != nil || len(found.Pairs) == len(topics) {
			return err
		}
		fresh := make([]map[string]any, 0, len(topics))
		for _, name := range topics {
			fresh = append(fresh, map[string]any{
				"name": name, "partitions": 1, "replicationFactor": 1, "config": map[string]string{"cleanup.policy": "compact"},
			})
		}
		if err := r.outside.kafka(ctx, site, "createTopics", nil, fresh); err != nil {
			return err
		}
	}
}

func (r *sourceReconciler) publication(ctx context.Context, source *Source, name string) error {
	host := source.Spec.Postgres.Host
	for after := (time.Time{}); ; after = time.Now() {
		found, err := shared(r.outside, "publication "+host+name, settled, after, func() ([]row, error) {
			return r.outside.query(ctx, host, "select pubname from pg_publication where pubname = any($1)", []string{name})
		})
		if err != nil {
			return err
		}
		if len(found) > 0 {
			break
		}
		sql := fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE %s WITH (publish_via_partition_root = true)", name, source.Spec.Tables[0].Name)
		if _, err := r.outside.query(ctx, host, sql); err != nil {
			return err
		}
	}
	_, err := shared(r.outside, "slots "+host, moving, time.Time{}, func() ([]row, error) {
		return r.outside.query(ctx, host, "select slot_name, wal_status from pg_replication_slots")
	})
	return err
}

func (r *sourceReconciler) look(ctx context.Context, site, connector string, after time.Time) (connectorView, bool, error) {
	views, err := shared(r.outside, "connectors "+site, moving, after, func() (map[string]connectorView, error) {
		var found map[string]connectorView
		err := r.outside.ask(ctx, "GET", "/connect/"+site+"/connectors?expand=status&expand=info", nil, &found)
		return found, err
	})
	view, found := views[connector]
	return view, found, err
}

var healthy = [][2]string{
	{"ReferencesResolved", "Resolved"}, {"PreflightPassed", "Passed"}, {"TopicsReady", "InSync"},
	{"ConnectorRunning", "Running"}, {"SnapshotComplete", "Completed"}, {"SourceRetained", "Retained"},
	{"SlotHealthy", "Healthy"}, {"LagWithinThreshold", "WithinThreshold"}, {"Ready", "Streaming"},
}

// report writes the status when it differs.
func (r *sourceReconciler) report(ctx context.Context, source *Source, view connectorView) error {
	before := source.DeepCopyObject().(*Source)
	state := view.Status.Connector.State
	if state != "RUNNING" {
		return fmt.Errorf("connector of %s is %s", source.Name, state)
	}
	connector, _, _ := r.names(source)
	source.Status.ObservedGeneration = source.Generation
	source.Status.Connector = &ConnectorStatus{Name: connector, State: state}
	for _, one := range healthy {
		r.condition(source, one[0], metav1.ConditionTrue, one[1], "as it should be")
	}
	if equality.Semantic.DeepEqual(before.Status, source.Status) {
		return nil
	}
	if !meta.IsStatusConditionTrue(before.Status.Conditions, "Ready") {
		r.events.Event(source, corev1.EventTypeNormal, "Streaming", "changes arrive")
	}
	return r.Status().Patch(ctx, source, client.MergeFrom(before))
}

func (r *sourceReconciler) condition(source *Source, kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&source.Status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: source.Generation,
	})
}
