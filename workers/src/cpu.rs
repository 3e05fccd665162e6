//! The pool for computation: rayon.

use packtrain_core::cpu::CpuPool;

/// A rayon pool of its own, so that computation never holds a thread of the runtime.
pub struct RayonPool {
    pool: rayon::ThreadPool,
}

impl RayonPool {
    /// A pool of `threads` threads; zero takes one per core.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|place| format!("cpu-{place}"))
            .build()?;
        Ok(Self { pool })
    }
}

impl CpuPool for RayonPool {
    fn spawn(&self, work: Box<dyn FnOnce() + Send>) {
        self.pool.spawn(|| {
            let _busy = Busy::new();
            work();
        });
    }
}

/// A thread that computes; also work that panics ends it.
struct Busy(metrics::Gauge);

impl Busy {
    fn new() -> Self {
        let busy = metrics::gauge!("packtrain_rayon_busy");
        busy.increment(1.0);
        Self(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
