// An operator on controller-runtime that does for the bench's Sources what ours does: `peer <stand-ins' url> <metrics address>`.
package main

import (
	"context"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	workers    = 16
	byBackbone = "spec.backboneRef.name"
)

type backboneReconciler struct {
	client.Client
	outside *outside
}

// Reconcile asks Kafka and Connect whether they are there.
func (r *backboneReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	var backbone Backbone
	if err := r.Get(ctx, request.NamespacedName, &backbone); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	before := backbone.DeepCopyObject().(*Backbone)
	if controllerutil.AddFinalizer(&backbone, finalizer) {
		if err := r.Patch(ctx, &backbone, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return reconcile.Result{}, err
		}
	}
	if err := r.outside.kafka(ctx, backbone.Name, "cluster", nil); err != nil {
		return reconcile.Result{}, err
	}
	if err := r.outside.ask(ctx, "GET", "/connect/"+backbone.Name+"/", nil, nil); err != nil {
		return reconcile.Result{}, err
	}
	before = backbone.DeepCopyObject().(*Backbone)
	changed := false
	for _, kind := range []string{"KafkaReachable", "ConnectReachable", "Ready"} {
		changed = meta.SetStatusCondition(&backbone.Status.Conditions, metav1.Condition{
			Type: kind, Status: metav1.ConditionTrue, Reason: "Reachable", Message: "it answers", ObservedGeneration: backbone.Generation,
		}) || changed
	}
	backbone.Status.ObservedGeneration = backbone.Generation
	if !changed {
		return reconcile.Result{RequeueAfter: time.Minute}, nil
	}
	return reconcile.Result{RequeueAfter: time.Minute}, r.Status().Patch(ctx, &backbone, client.MergeFrom(before))
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func run(outsideURL, metricsAddress string) error {
	ctrl.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	addTypes(scheme)
	if err := corev1.AddToScheme(scheme); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	// No limit but the server's, as ours.
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: server.Options{BindAddress: metricsAddress},
		Cache:   cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
	})
	if err != nil {
		return err
	}
	ctx := ctrl.SetupSignalHandler()
	if err := addControllers(ctx, manager, newOutside(outsideURL)); err != nil {
		return err
	}
	metrics.Registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "penstock_ready", Help: "Objects that are Ready."},
		func() float64 { return countReady(ctx, manager.GetClient()) },
	))
	return manager.Start(ctx)
}

func addControllers(ctx context.Context, manager ctrl.Manager, out *outside) error {
	options := controller.Options{MaxConcurrentReconciles: workers}
	sources := &sourceReconciler{
		Client: manager.GetClient(), secrets: manager.GetAPIReader(), outside: out, events: manager.GetEventRecorderFor("peer"),
	}
	index := func(object client.Object) []string { return []string{object.(*Source).Spec.BackboneRef.Name} }
	if err := manager.GetFieldIndexer().IndexField(ctx, &Source{}, byBackbone, index); err != nil {
		return err
	}
	// A status of our own is no reason to look again.
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	err := ctrl.NewControllerManagedBy(manager).For(&Source{}, changed).
		Watches(&Backbone{}, handler.EnqueueRequestsFromMapFunc(sources.on)).WithOptions(options).Complete(sources)
	if err != nil {
		return err
	}
	backbones := &backboneReconciler{Client: manager.GetClient(), outside: out}
	return ctrl.NewControllerManagedBy(manager).For(&Backbone{}, changed).WithOptions(options).Complete(backbones)
}

func (r *sourceReconciler) on(ctx context.Context, backbone client.Object) []reconcile.Request {
	var found SourceList
	selected := client.MatchingFields{byBackbone: backbone.GetName()}
	if err := r.List(ctx, &found, client.InNamespace(backbone.GetNamespace()), selected); err != nil {
		return nil
	}
	requests := make([]reconcile.Request, len(found.Items))
	for index := range found.Items {
		requests[index].NamespacedName = client.ObjectKeyFromObject(&found.Items[index])
	}
	return requests
}

func countReady(ctx context.Context, reader client.Reader) float64 {
	count := 0
	var sources SourceList
	var backbones BackboneList
	if reader.List(ctx, &sources) != nil || reader.List(ctx, &backbones) != nil {
		return 0
	}
	for index := range sources.Items {
		if meta.IsStatusConditionTrue(sources.Items[index].Status.Conditions, "Ready") {
			count++
		}
	}
	for index := range backbones.Items {
		if meta.IsStatusConditionTrue(backbones.Items[index].Status.Conditions, "Ready") {
			count++
		}
	}
	return float64(count)
}
