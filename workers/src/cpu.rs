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
        self.pool.spawn(work);
    }
}
